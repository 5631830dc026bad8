#!/usr/bin/env python3
"""Renders small templates with Jinja2 (3.1.6) and writes cases.jsonl, which tests/unit/text/jinja_cases_test.cpp reads.

    python make_cases.py      # needs jinja2 and transformers

A row: {"dialect": "chat" or "task", "template": ..., "text": ...} or {..., "error": the exception's class}. All see the variables of
context.json. "chat" is the environment of transformers' apply_chat_template, "task" that of lm-evaluation-harness.
"""
import datetime as dt
import json
import os
import re
import warnings

warnings.filterwarnings("ignore")
import jinja2
import transformers.utils.chat_template_utils as U

HERE = os.path.dirname(os.path.abspath(__file__))
CONTEXT = {
    "s": "Hello, World", "u": "Ça va ? 😀 ßtraße ΑΣ", "e": "", "ws": " \t pad\u00a0\n", "n": 7, "z": 0, "neg": -7, "f": 2.5, "big": 1e22,
    "t": True, "no": None, "l": [3, 1, 2], "words": ["pear", "Apple", "fig", "apple"], "mixed": [1, "a", None, 2.5, True, [1, 2], {"k": "v"}],
    "d": {"b": 1, "a": 2, "items": 9, "nested": {"x": [10, 20, {"y": "deep"}]}}, "empty_list": [], "empty_dict": {},
    "people": [{"name": "Ann", "age": 30, "city": "Rome"}, {"name": "bob", "age": 25, "city": "rome"}, {"name": "Cy", "age": 30},
               {"name": "Dee", "age": 41, "city": "Oslo"}],
    "html": "<b>\"x\" & 'y'</b>", "text": "one two three\nfour five\n\nsix", "num": "42", "real": " -1.5e3 ", "hex": "0x1F",
    "huge": 123456789012345678901234567890, "tree": [{"n": "a", "c": [{"n": "b", "c": []}, {"n": "c", "c": [{"n": "d", "c": []}]}]}],
}

EXPRESSIONS = r'''
1 + 2 * 3 - 4 / 2 // 1 % 5 ** 2
1 + 1 ~ 'x'
n is == 7
7 // 2, -7 // 2, 7 // -2, 7 % 3, -7 % 3, 7 % -3, 7.5 // 2, -7.5 % 2, 2 ** 10, 2 ** -1, 2 ** 0.5, (-2) ** 3
-2 ** 2, 2 ** 3 ** 2, -n|abs, (-n)|abs
1/3, 1e3, 1e16, 1e15, 123456789.123, 1.0, -0.0, 1e-5, 0.0001, 5e-324, 1.7976931348623157e308, 100000000000000000000.0, big, 0.1 + 0.2
1_000, 0x1f, 0b101, 0o17, 1_0.5e1_0
1 / 0
1 // 0
1.0 / 0
5 % 0
2 ** 62, 9223372036854775807, -9223372036854775807 - 1
huge, huge|string, huge is number, huge == huge, huge|tojson, huge|int, -huge
'a' + 'b', 'ab' * 3, 3 * 'ab', [1] + [2], [1, 2] * 2, (1, 2) + (3,), 'x' * -1, 'a' 'b' "c"
'a' + 1
1 + 'a'
[1] + (2,)
no + 1
missing + 1
1 - missing
'a' ~ 1 ~ none ~ true ~ missing ~ 1.5 ~ [1] ~ {}
1 < 2 < 3, 1 < 3 < 2, 1 == 1.0, true == 1, 'a' < 'b', [1, 2] < [1, 3], (1,) < (1, 2), 'a' != 'A', none == none, 3 > 2 >= 2
1 < 'a'
none < 1
missing < 1
[1] < (1,)
missing == missing, missing == none, missing != 1, missing == other_missing
1 in [1, 2], 'ell' in s, 'b' in d, 9 not in l, 1 in (1, 2), 'x' in missing, 2 in {2: 3}, none in [none], 1.0 in [1], 3 in range(5)
1 in 'abc'
1 in 5
'a' in none
[1] in {}
not true, not 0, not '', not missing, true and 'x', false or 'y', 0 or [] or 'z', 1 and 0 and 2
'yes' if n > 3 else 'no', 'only' if false, ('only' if false) is undefined, 1 if 0 else 2 if 0 else 3
('x' if false).y
l[0], l[-1], l[5] is undefined, l['0'] is undefined, d['b'], d.a, d.nested.x[2].y, d['nope'] is undefined, s[0], s[-1], u[6], u[3]
l[1:], l[:-1], l[::-1], l[1:2], l[-100:100], s[1:4], s[::2], s[::-1], u[4:9], u[::-1], l[3:1:-1], l[:], (1, 2, 3)[1:], l[none:2], s[-3:], s[5:2]
l[::0]
d[1:2]
no[1:]
no[0] is undefined, n['x'] is undefined, no.x is undefined, t.real, n.real, f.imag
missing.x
missing[0]
missing['a']
missing()
d.missing.deeper
d.items() | list, d.keys() | list, d.values() | list | length, d['items'], d.get('a'), d.get('q'), d.get('q', 5)
d.items
d.keys(), d.values(), d.items()
d.items()[0] is undefined, d.keys() | length, 'a' in d.keys(), (d.items() | list)[0]
d.update({'q': 1})
l.append(4)
l.pop()
d.pop('a')
d.setdefault('a')
l.sort()
l.append is defined, l.append is callable, l.append
l.count(3), l.index(2), (1, 2, 1).count(1), l.copy(), d.copy()
l.index(99)
s.__class__
s.__class__.__mro__
d.__len__ is undefined
l.__class__()
''|attr('__class__')
s.upper(), s.lower(), s.title(), s.capitalize(), s.swapcase(), u.upper(), u.lower(), u.title(), u.casefold(), u.capitalize(), u.swapcase()
'ΑΣ ΣΑΣ Σ'.lower(), 'ŉﬁ'.upper(), 'ﬁne ß'.title(), 'İ'.lower(), 'ǆ'.title(), "it's o'clock".title(), 'x1y-z'.title()
s.split(', '), s.split(), s.split('l', 1), s.rsplit('l', 1), 'a b  c '.split(' '), ' a  b '.split(), ' a  b c '.split(none, 1), ' a  b c '.rsplit(none, 1), ''.split(), ''.split('x'), 'a,b,c'.rsplit(',')
s.split('')
text.splitlines(), text.splitlines(true), 'a\r\nb\rc\x0bd\u2028e'.splitlines(), ''.splitlines(), 'x\n'.splitlines()
ws.strip(), ws.lstrip(), ws.rstrip(), 'xxaxx'.strip('x'), 'xyabyx'.lstrip('xy'), 'abc'.rstrip('cb'), 'éaé'.strip('é'), 'abc'.strip(none), ''.strip()
s.startswith('He'), s.endswith(('x', 'ld')), s.startswith('lo', 3), s.startswith('', 100), s.endswith('Hel', 0, 3), s.startswith(('a', 'H'))
s.startswith(['H'])
s.find('o'), s.find('zz'), s.rfind('o'), s.find('o', 5), u.find('😀'), s.index('W'), s.rindex('l'), s.count('l'), s.count(''), 'aaaa'.count('aa'), s.find('o', -4, -1)
s.index('zz')
s.replace('l', 'L'), s.replace('l', 'L', 1), s.replace('', '-'), 'aaa'.replace('a', 'b', 2), ''.replace('', 'x'), u.replace('ß', 'ss')
','.join(['a', 'b']), ''.join([]), '-'.join('abc'), ' '.join(d)
','.join([1])
'%s is %d years, %5.2f|%-5s|%05d|%x|%X|%o|%e|%g|%%|%r|%c|%+d|% d' % ('Ann', 30, 2.71828, 'ab', 42, 255, 255, 8, 12345.678, 0.0001, 'q', 'z', 5, 5)
'%(a)s-%(b)03d' % d, '%s' % [1, 2], '%s' % (none,), '%.3s|' % 'abcdef', '%*d' % (5, 42), '%d' % 3.99, '%i' % true, '%5s|%-5s|' % ('é', 'é'), '%#x %#o' % (255, 8), '%.0f' % 2.5, '%s' % missing
'%d' % 'x'
'%s %s' % 'x'
'%s' % (1, 2)
'%q' % 1
'abc' % []
'abc' % 1
'{} {1}'.format(1, 2)
'{} {}'.format('a', 1), '{1}{0}'.format('a', 'b'), '{x}-{y!r}'.format(x=1, y='q'), '{:>8}|{:<8}|{:^8}|{:*^9}'.format('ab', 'cd', 'ef', 'gh'), '{0[1]} {1[k]} {1.k}'.format([5, 6], {'k': 'v'})
'{:d} {:5d}|{:05d} {:+d} {:x} {:#x} {:b} {:o} {:,} {:_} {:c}'.format(1, 2, 3, 4, 255, 255, 5, 8, 1234567, 1234567, 65)
'{:f} {:.2f} {:10.3f}| {:e} {:g} {:%} {:.1%} {:,.2f} {:G} {:.3} {:}'.format(1.5, 2.345, 3.14159, 12345.678, 0.00001, 0.25, 0.256, 1234567.891, 1e-10, 3.14159, 2.0)
'{:.3}|{:5.1}|{!s:>4}|{{}}|{:08,}|{:<05}'.format('abcdef', 'xyz', 7, 1234, 12), '{:{}}|'.format('a', 4), '{0:>{1}}'.format('b', 3)
'{:d}'.format('a')
'{}'.format()
'{'.format(1)
'{a}'.format(b=1)
'{:5}'.format(none)
'{0.__class__}'.format(1)
'a-b_c'.partition('-'), 'a-b-c'.rpartition('-'), 'abc'.partition('x'), 'abc'.rpartition('x')
'42'.zfill(5), '-42'.zfill(6), 'ab'.ljust(5, '.'), 'ab'.rjust(5), 'ab'.center(7, '*'), 'abc'.center(6, '*'), 'a\tb'.expandtabs(4), '12'.center(5, 'é')
'ab'.ljust(5, 'xy')
'prefix-x'.removeprefix('prefix-'), 'x.py'.removesuffix('.py'), 'abc'.removeprefix('z')
'abc'.isalpha(), 'ab1'.isalnum(), '12'.isdigit(), '²'.isdigit(), '²'.isdecimal(), '½'.isnumeric(), '一'.isnumeric(), ' \t'.isspace(), 'Ab'.istitle(), 'AB'.isupper(), 'ab1'.islower(), ''.isalpha(), 'a_1'.isidentifier(), '1a'.isidentifier(), 'aé'.isascii(), 'a\n'.isprintable(), 'ǅ'.isupper(), 'Hello World'.istitle(), 'ª'.islower()
'abc'.translate({97: 'X', 98: none, 99: 100})
[1, 'a\'b', "a\"b", 'both\'"', 'new\nline\t\\ \x00 \u200b é 😀 \xa0', none, true, 2.0, (1,), (), {}, {'k': [1]}]
mixed, d, (1, 2), [[]], {1: 2, none: 3, (1, 2): 'x', 1.5: true}
{true: 'a', 1: 'b', 1.0: 'c'}, {1: 'x'}[true], {'a': 1, 'a': 2}
{[1]: 2}
missing, [missing], {'a': missing}, missing|string
range(5), range(1, 5)|list, range(5, 0, -2)|list, range(3)[1], range(10)[2:8:3], range(0)|list, range(3)|length, range(3) == range(0, 3), range(5)[-1], range(10)[::-1]|list
range(1000000)
range(1, 2, 0)
range('a')
s|length, u|length, l|length, d|length, missing|length, s|count, (1, 2)|length
5|length
none|length
s|upper, s|lower, s|title, s|capitalize, 'a-b (c) d_e'|title, "it's x"|title, 5|upper, none|upper, u|title
ws|trim, 'xaxb'|trim('x'), missing|trim, 5|trim
s|replace('l', 'L'), s|replace('l', 'L', 1), 5|replace(5, 6), missing|replace('a', 'b')
l|join, l|join(', '), people|join('; ', attribute='name'), 'abc'|join('-'), missing|join(','), d|join(','), mixed|join('|')
5|join(',')
l|first, l|last, empty_list|first is undefined, s|first, u|last, d|first, missing|first is undefined, missing|last is undefined, range(3)|last
(l|select)|last
5|first
l|sort, l|sort(reverse=true), words|sort, words|sort(case_sensitive=true), people|sort(attribute='age')|map(attribute='name')|list, people|sort(attribute='age,name', reverse=true)|map(attribute='name')|list, 'hello'|sort
mixed|sort
people|sort(attribute='city')
l|min, l|max, words|min, words|max(case_sensitive=true), people|max(attribute='age'), empty_list|min is undefined, 'hello'|max
l|sum, people|sum(attribute='age'), l|sum(start=10), [[1], [2]]|sum(start=[]), empty_list|sum, [1.5, 2]|sum
words|sum
l|reverse|list, s|reverse, d|reverse|list, (1, 2)|reverse|list, range(3)|reverse|list, (l|select)|reverse, missing|reverse|list
5|reverse
[1, 2, 1, 'a', 'A', 1.0, true]|unique|list, words|unique|list, words|unique(case_sensitive=true)|list, people|unique(attribute='age')|map(attribute='name')|list
l|list, s|list, d|list, missing|list, (1, 2)|list, d.items()|list
5|list
[1, 2, 3, 4, 5]|batch(2)|list, [1, 2, 3, 4, 5]|batch(2, 'x')|list, [1, 2, 3, 4, 5]|slice(2)|list, [1, 2, 3, 4, 5]|slice(3, 'x')|list, []|batch(2)|list, 'abc'|batch(2)|list
people|map(attribute='city', default='?')|list, people|map(attribute='name')|map('upper')|list, l|map('string')|list, words|map('replace', 'p', 'b')|list, d.nested.x|map('string')|join, people|map(attribute='name.0')|list
people|map(attribute='city')|list
l|map|list
l|map('nofilter')|list
[1, 2, 3, 4]|select('even')|list, [1, 2, 3, 4]|reject('divisibleby', 3)|list, mixed|select|list, mixed|select('string')|list, mixed|reject('none')|list, l|select('>', 1)|list, l|select('in', [1, 2])|list, words|select('equalto', 'fig')|list
l|select('notest')|list
people|selectattr('city')|map(attribute='name')|list, people|selectattr('age', 'equalto', 30)|map(attribute='name')|list, people|rejectattr('city', 'defined')|map(attribute='name')|list, people|selectattr('age', 'gt', 28)|list|length, people|rejectattr('age', 'in', [30])|map(attribute='name')|list, missing|selectattr('x')|list
l|selectattr|list
(l|select('odd')) is iterable, (l|select('odd')) is sequence, 'truthy' if (empty_list|select('odd')) else 'falsy', (l|map('string')) is string
(l|map('string'))|length
(l|map('string'))[0] is undefined
people|groupby('age')|map(attribute='grouper')|list, people|groupby('age')|map('last')|map('length')|list, people|groupby('city', default='')|list, people|groupby('city', default='', case_sensitive=true)|map(attribute='grouper')|list, (people|groupby('age'))[0].list|length
d|dictsort|map('first')|list, {'b': 1, 'A': 3, 'c': 2}|dictsort, {'b': 1, 'A': 3, 'c': 2}|dictsort(true), {'b': 1, 'A': 3, 'c': 2}|dictsort(false, 'value'), {'b': 1, 'a': 2}|dictsort(reverse=true)
d|dictsort(by='x')
{'a': 1}|items|list, missing|items|list
[1]|items|list
missing|default('x'), no|default('x'), ''|default('x', true), e|d('y', boolean=true), 0|default(5), missing|default, d.q|default({})
42|int, '42'|int, ' 42 '|int, '4_2'|int, '42.9'|int, 'x'|int, 'x'|int(-1), '1f'|int(base=16), '0x1f'|int(base=16), '0b11'|int(0, 2), none|int, 3.99|int, -3.99|int, true|int, '1e3'|int, ''|int, [1]|int(default=9), 1e20|int, '0x1f'|int, '-7'|int, '+7'|int
missing|int
'3.5'|float, 'x'|float, 'x'|float(1.5), 3|float, none|float, 'inf'|float, 'nan'|float, '1_0.5'|float, ' 2 '|float, '1e400'|float, true|float, '.5'|float, '5.'|float
3.7|round, 3.2|round(method='ceil'), 3.7|round(method='floor'), 2.5|round, 3.5|round, -2.5|round, 2.675|round(2), 1234.5678|round(-2), 42|round, 1250|round(-2), 1350|round(-2), 3.14159|round(3), 42.55|round(1, 'floor'), 0.5|round, 1e300|round(2), 5|round(2), true|round
1.5|round(method='x')
'a'|round
-5|abs, -2.5|abs, true|abs
'a'|abs
5 is odd, 4 is even, 9 is divisibleby 3, 9 is divisibleby(4), 2.0 is even, true is odd
missing is defined, missing is undefined, n is defined, no is none, none is none, missing is none, d.q is defined, d.a is defined
t is boolean, 1 is boolean, t is true, 1 is true, false is false, 0 is false, n is integer, t is integer, f is float, n is number, t is number, s is number, f is integer
s is string, n is string, l is sequence, s is sequence, d is sequence, d is mapping, l is mapping, l is iterable, n is iterable, no is iterable, missing is iterable, missing is sequence, range(2) is sequence, d.items() is sequence, d.items() is iterable, (1,) is sequence
'abc' is lower, 'ABC' is upper, 'aBc' is lower, '1' is lower, 5 is lower, missing is upper
n is eq 7, n is equalto(7), n is ne 8, n is gt 3, n is ge 7, n is lt 3, n is le 7, n is greaterthan 1, n is lessthan 1
n is sameas n, t is sameas true, 1 is sameas true, none is sameas none, l is sameas l, 1.0 is sameas 1
n is in [7, 8], 'a' is in 'abc', n is not in [1], s is not string, not n is odd
raise_exception is callable, s is callable, s.upper is callable, namespace is callable, missing is callable
'upper' is filter, 'nofilter' is filter, 'odd' is test, 'notest' is test, html|escape is escaped, html is escaped
html|escape, html|e|e, html|forceescape, (html|escape)|forceescape, html|safe, ('<a>'|safe) + '<b>', '<b>' + ('<a>'|safe), ('<a>'|safe) ~ '<b>', ('%s'|safe) % '<x>', ('<a>'|safe)|upper, ('<a>'|safe).replace('a', '<'), (','|safe).join(['<', '>']), ('{}'|safe).format('<'), 5|e, none|e, missing|e
('<a>'|safe)|list, [('<a>'|safe)], ('a b'|safe).split(), ('x'|safe) * 2, ('<i>'|safe)|string is escaped, ('<i>'|safe)|trim is escaped
'<p>a <b>b</b>\n c &amp; &lt; &#39; &eacute;</p><!-- x -->'|striptags, 'a < b'|striptags, 5|striptags
'a b/c?d=é&e'|urlencode, {'a b': 'c/d', 'e': 1}|urlencode, [('x', 'y z')]|urlencode, 5|urlencode
{'class': 'x y', 'id': none, 'n': 5, 'q': '<">'}|xmlattr, {}|xmlattr, {'a': 1}|xmlattr(false), {'a': missing}|xmlattr
{'a b': 1}|xmlattr
text|indent, text|indent(2, true), text|indent(width='> ', blank=true), text|indent(first=true), ''|indent, 'a\n'|indent(1)
5|indent
missing|indent
'foo bar baz qux'|truncate(9), 'foo bar baz qux'|truncate(9, true), 'foo bar baz qux'|truncate(11), 'foo bar baz qux'|truncate(11, false, '...', 0), 'foobarbazqux'|truncate(8, leeway=0), u|truncate(8, true, '…', 0), s|truncate
'abc'|truncate(1)
'Hello, big wide world: it is over-complicated stuff'|wordwrap(12), 'aaaaaaaaaaaaaaaaaaaa bb'|wordwrap(6), 'aaaaaaaaaaaaaaaaaaaa bb'|wordwrap(6, false), 'x y z\n\nq'|wordwrap(3, wrapstring='/'), 'self-made-man -- yes--no'|wordwrap(7), 'self-made-man'|wordwrap(6, break_on_hyphens=false), '  lead  trail  '|wordwrap(5), 'a-1 b-c d'|wordwrap(3), ''|wordwrap(5), 'well-known-fact x'|wordwrap(11)
'Hello, big World-wide_x 12'|wordcount, ''|wordcount, u|wordcount
'ab'|center(7), 'abc'|center(6), 5|center(4)
'%s-%d'|format('a', 3), '%(x)s'|format(x=1), 'plain'|format, '%s'|format('é')
'%s'|format(1, x=2)
1000|filesizeformat, 1|filesizeformat, 999|filesizeformat, 1500000|filesizeformat, 1024|filesizeformat(true), 13000|filesizeformat(binary=true), '5000000000'|filesizeformat, 0|filesizeformat
d|pprint, 'x'|pprint, range(40)|list|pprint, {'b': range(30)|list, 'a': 'y' * 30}|pprint
s|attr('upper') is callable, d|attr('a') is undefined, d|attr('items') is callable, n|attr('real')
d|tojson, mixed|tojson, u|tojson, html|tojson, s|tojson, (1, 2)|tojson, none|tojson, 1e22|tojson, -3e-07|tojson, {1: 2, none: 3, true: 4, 1.5: 5}|tojson, ''|tojson, 'a\u2028\x7f\x01"\\/'|tojson, 'nan'|float|tojson, [[], {}]|tojson
d|tojson(indent=2), [1, [2, {'a': []}]]|tojson(indent=4), d|tojson(sort_keys=true), u|tojson(ensure_ascii=true), d.nested|tojson(indent=1, separators=(',', ':')), d|tojson(separators=(',', ':')), [1]|tojson(indent=0), [1]|tojson(indent='--'), {'b': 1, 'a': {'d': 1, 'c': 2}}|tojson(true, 2, none, true)
missing|tojson
[missing]|tojson
l|select|tojson
{(1, 2): 3}|tojson
namespace()|tojson
d|tojson(indnt=2)
dict(a=1, b=2), dict([('x', 1)]), dict({'q': 1}, r=2), dict(), dict.fromkeys(['a', 'b'], 0)
dict(5)
dict([1])
namespace(a=1).a, namespace({'b': 2}).b, namespace().x is undefined, namespace(a=1)['a'], namespace(a=1)['q'] is undefined
namespace(_a=1)
raise_exception('Custom: ' ~ n)
strftime_now('%Y-%m-%d %H:%M:%S %d %b %Y %B %A %a %j %p %I %y %% %f'), strftime_now(''), strftime_now('%z|%Z')
cycler('a', 'b').next(), joiner('|')()
lipsum is defined
s|upper|lower|title, (s|upper)[0], s.upper()[1:3]|lower, [s, s.upper()]|map('length')|sum, (l|sort|last, l|sort|first)
s.upper(1)
s.nope()
s.split(sep=',', maxsplit=1), 'a\nb'.splitlines(keepends=true)
s.split(foo=1)
l.0, l.1, d.nested.x.0, people.0.name, people.1['age']
'\x41\u00e9\U0001F600\101\t|\q|\'|\"|\
end', "\n" ~ '\\n', '\é', 'é'
'a' if missing is defined else 'b', missing is defined and missing.x, (missing or 'z')
x if missing
[1, 2,], (1,), {'a': 1,}, [], (), {}
3 is divisibleby 3 and true, not true == false, 2 * 3 ~ 4, -1|abs, 'a' ~ 'b'|upper, 1 < 2 and 2 < 3 or false
foo.bar is defined
[1, 2, 3][1], {'a': 'b'}.a, 'abc'[1], (1, 2, 3)[-1], [[1, 2], [3]][0][1], {'x': {'y': 5}}['x']['y']
'a\nb', 'tab\there', 'q"q'
1.5.real, 15 .real, true.real
n.bit_length(), f.is_integer(), 2.0.is_integer()
loop is defined
"%s" % 1.0, 1.0|string, 1e100, 1.0 * 3, 10 / 2, 2 ** 0.5, 3.0 // 2, 7 / 7
[1, 2] == [1, 2], [1] == (1,), {'a': 1} == {'a': 1.0}, 'a' == 1, d == d, [1, [2]] == [1, [2.0]], range(2) == [0, 1]
'x' ** 2
'x' - 'y'
-'x'
+true, -true, +1.5
not missing.x
5(1)
s()
[].x.y
{{1: 2}: 3}
'a' 'b'
1 2
1 +
(1
[1
{'a' 1}
a b
'unterminated
l[1, 2] is undefined
a.b.c is defined
1 if
foo|nofilter
1 is notest
foo|nofilter if false else 'ok'
'ok' if true else (1 is notest)
n is odd is even
f(a=1, 2)
namespace(**{'a': 1}).a, dict(*[[('q', 2)]]), '{}{}'.format(*['x', 'y']), '{a}'.format(**{'a': 'z'})
dict(**5)
s.upper(*5)
$
a!b
a ? b : c
x := 1
true.x is undefined, True, False, None, true, false, none
'ok' and '' or 'fallback'
'abc'|list|reverse|join, 'abc'|reverse|upper
u|upper, u|lower, u[::-1], u|reverse
missing ~ 'x', missing|upper ~ 'y', missing|d('q') ~ 'z'
people[0]['name'], people[-1].name, people[0].get('zip', 'none'), people|length, (people|first).name
l|map('abs')|sum, l|map('float')|list, ['1', '2']|map('int')|sum
'a,b;c'|replace(',', ' ')|replace(';', ' '), 'x'|replace('', 'y')
'%.2f'|format(3.14159), '%05.1f' % 2.25, '%s' % 'é', '%10s|' % 'x', '%-10s|' % 'x'
'abc' > 'abd', 'Z' < 'a', 'é' > 'z', '😀' > '\uffff', '' < 'a'
[3, 1] > [2, 9], (1, 2) >= (1, 2), [[1], [0]]|sort
'a' is string and 'b' is not number, 5 is number and not 5 is string
l is iterable and l is not string and l is not mapping
'foo' in ['foo', 'bar'] and 'baz' not in ['foo', 'bar']
(1, 'a', none)|string, [1, 'a']|string, d.nested|string
'<' in html, html|length, html.count('<')
'a' in {'a': none}, d.nested.x|length, 'x' in d.nested
'line1\nline2'.split('\n')|length, 'k=v'.split('=')[1], 'a=b=c'.split('=', 1)|last
'Answer: 42'.split(': ')[-1]|int + 1, 'x'.join(['1', '2'])|upper
'%s' % ('a' if t else 'b'), '{}'.format(l|join('-')), l|join(', ')|upper
'   '.strip() == '', ''|trim|length, ' x '.strip()|length
5 // 2 * 2 + 5 % 2 == 5, 2 + 3 * 4 ** 2, (2 + 3) * 4, 10 - 5 - 2, 100 / 10 / 2
'A'.lower() == 'a', 'ABC'[0]|lower ~ 'ABC'[1:]
['A', 'B', 'C', 'D'][n % 4], 'ABCD'[n % 4], ['A', 'B'].index('B')
['A', 'B', 'C'].index('Z')
answer is defined and answer or 'none', (d.answer or d.a), d.b if d.b is defined else d.c
'true' if t else 'false', t|string|lower, t|int, (n > 5)|int, no|string
'1,234'|replace(',', '')|int, '12.50'|float, 7 / 2 | round(1), (7 / 2)|int
'x' * 3 ~ 'y' * 2, '-' * 10, ['a'] * 2
"it's", 'say "hi"', 'it\'s "x"', ["it's"], ['say "hi"'], ['it\'s "x"']
'a\\b', '\\', ['\\', 'a\\b'], 'C:\new'
'é'.upper(), 'É'.lower(), 'straße'.upper(), 'İstanbul'.lower()|length, 'ΟΔΟΣ'.lower()
none|default('x', true), false|default('x'), false|default('x', true), []|default('x', true)
'abc'|first ~ 'abc'|last, 'abc'[-2:], 'abcdef'[1:-1:2], 'abcdef'[-1:-4:-1], 'abcdef'[10:], 'abcdef'[-10:2]
[l, l]|tojson, {'l': l, 'd': {}}|tojson, 'é'|tojson, '😀'|tojson(ensure_ascii=true), '/'|tojson, 1|tojson, true|tojson, 0.1|tojson
'\t\n'|tojson, '\x00'|tojson, '\u2028'|tojson, '</script>'|tojson
'a' < 1 or true
true or 1 / 0
false and missing.x
'x' if true else missing.x
1 if missing else 2, 1 if '' else 2, 1 if empty_list else 2, 1 if ' ' else 2
'ab' in 'abc' in ['abc'], 1 < 2 > 1, 1 == 1 in [true]
0.1 + 0.7, 1.1 * 3, 1e-7, 123e-7, 1.0e10, 12345678901234567890.0, 4.35 * 100, 2.0 ** 70
7.0 // 0.1, -0.0 // 1, 5.5 % -2, -5.5 % 2, 1e308 * 10, -1e308 * 10, 'inf'|float - 'inf'|float
0 ** 0, 0.0 ** 0, 1 ** 100, (-1) ** 101, 10 ** 18
2.0 ** 5000
0 ** -1
'a'.center(3) ~ '|', 'a'.center(4) ~ '|', 'ab'.center(3) ~ '|', 'ab'.center(5) ~ '|'
'aXbXc'.split('X', 0), 'aXbXc'.split('X', -1), 'aXbXc'.rsplit('X', 0), 'abc'.split('abc'), 'XX'.split('X')
'a.b.c'.rsplit('.', 1)[0], 'path/to/f'.split('/')|last, 'k: v: w'.partition(': ')[2]
'x'.join(('a', 'b')), 'x'.join({'a': 1, 'b': 2}), 'x'.join('ab'|list), ', '.join(words|sort)
l|join(d=', '), l|join(5), l|join(none), people|join(', ', 'name')
'a'|center(width=5) ~ '|', 'x y'|title|center(7) ~ '|'
d|length > 2 and l|length == 3, (s|length) + 1, s|length|string ~ '!'
'%s, %s' % ('a', 'b') == 'a, b', '%s' % 'a' ~ 'b', '%d%%' % 50
range(3)|map('string')|join(','), range(2, 9, 3)|list, range(-3)|list, range(3, 0)|list
l|sort|join(' < '), people|map(attribute='age')|sort|list, words|map('lower')|unique|sort|join(',')
(d.nested.x|last).y, d.nested.x[-1]['y']|upper, d['nested']['x'][0] + 1
'user' if people[0].role is not defined else people[0].role, people[0].role|default('none', true)
people[0] == {'name': 'Ann', 'age': 30, 'city': 'Rome'}, people[0] in people, people.index(people[1])
'\u0041\x42'
'''.strip("\n")

# Blocks between lines of "----".
STATEMENTS = r'''
{% for i in l %}{{ i }},{% endfor %}|{% for i in empty_list %}x{% else %}none{% endfor %}|{% for c in u %}[{{ c }}]{% endfor %}
----
{% for k, v in d.items() %}{{ loop.index }}/{{ loop.length }} {{ k }}={{ v }}{{ ", " if not loop.last }}{% endfor %}
----
{% for k in d %}{{ k }}{% endfor %} {% for k, v in d|dictsort %}{{ k }}{% endfor %} {% for a, (b, c) in [(1, (2, 3))] %}{{ a + b + c }}{% endfor %}
----
{% for a, b in [1] %}{% endfor %}
----
{% for a, b in [(1, 2, 3)] %}{% endfor %}
----
{% for a, b in [(1,)] %}{% endfor %}
----
{% for x in 5 %}{% endfor %}
----
{% for x in none %}{% endfor %}
----
{% for x in missing %}{{ x }}{% else %}empty{% endfor %}
----
{% for i in [1, 2, 3, 4, 5, 6] if i is even %}{{ loop.index }}:{{ i }}{% if loop.last %}.{% endif %}{% endfor %}
----
{% for i in [1, 2, 3] if i > 5 %}{{ i }}{% else %}nothing{% endfor %}
----
{% for i in range(4) %}{{ loop.index }} {{ loop.index0 }} {{ loop.revindex }} {{ loop.revindex0 }} {{ loop.first }} {{ loop.last }} {{ loop.length }} {{ loop.depth }} {{ loop.depth0 }} {{ loop.previtem }} {{ loop.nextitem }} {{ loop.cycle('a', 'b', 'c') }}
{% endfor %}
----
{% for i in [1, 1, 2, 2, 1] %}{% if loop.changed(i) %}[{{ i }}]{% endif %}{{ i }}{% endfor %}
----
{% for i in (l|map('string')) %}{{ loop.length }}{{ loop.last }}{{ loop.revindex }} {% endfor %}
----
{% for i in [1, 2] %}{% for j in [1, 2] %}{{ loop.index }}{{ i }}{{ j }} {% endfor %}{{ loop.index }};{% endfor %}
----
{% for i in [1, 2] %}{% set outer = loop %}{% for j in [1, 2] %}{{ outer.index }}.{{ loop.index }} {% endfor %}{% endfor %}
----
{% for i in l %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% if i == 2 %}{% break %}{% endif %}{% endfor %}|{% for i in range(5) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% else %}else{% endfor %}
----
{% for item in tree recursive %}({{ item.n }}@{{ loop.depth }}{{ loop(item.c) }}){% endfor %}
----
{% for item in tree %}{{ loop(item.c) }}{% endfor %}
----
{% for i in [1, 2, 3] recursive %}{{ i }}{% else %}none{% endfor %}{% for i in [] recursive %}{{ i }}{% else %}none{% endfor %}
----
{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = x + 10 %}{{ x }} {% endfor %}{{ x }}
----
{% for i in [1, 2] %}{{ x is defined }}{% set x = i %}{{ x }} {% endfor %}{{ x is defined }}
----
{% set ns = namespace(total=0, names=[]) %}{% for p in people %}{% set ns.total = ns.total + p.age %}{% set ns.names = ns.names + [p.name] %}{% endfor %}{{ ns.total }} {{ ns.names }} {{ ns }}
----
{% set d.x = 1 %}
----
{% set missing_ns.x = 1 %}
----
{% set ns = namespace() %}{% set ns._x = 1 %}
----
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set a, b = b, a %}{{ a }}{{ b }}{% set (c, d2) = [3, 4] %}{{ c }}{{ d2 }}{% set t3 = 1, 2 %}{{ t3 }}{% set ns = namespace() %}{% set ns.a, q = 5, 6 %}{{ ns.a }}{{ q }}
----
{% set x %}block {{ n }}{% for i in l %}{{ i }}{% endfor %}{% endset %}[{{ x }}]{{ x is string }}{{ x|length }}
----
{% set x | upper | replace('B', '*') %}abc{% endset %}{{ x }}
----
{% if n > 5 %}big{% elif n > 3 %}mid{% else %}small{% endif %}|{% if missing %}a{% elif no %}b{% elif '' %}c{% else %}d{% endif %}|{% if n %}{% set y = 5 %}{% endif %}{{ y }}
----
{% if false %}{% set n = 1 %}{% endif %}{{ n }}{% for i in [1] %}{% if true %}{% set n = 99 %}{% endif %}{{ n }}{% endfor %}{{ n }}
----
{% macro m(a, b=2, c='x') %}[{{ a }},{{ b }},{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(b=5, a=4) }}{{ m() }}{{ m }}{{ m.name }}{{ m.arguments }}
----
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
----
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x=2) }}
----
{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}{{ m(1) }}{{ m.catch_varargs }}{{ m.catch_kwargs }}
----
{% macro fact(n) %}{{ 1 if n <= 1 else n * fact(n - 1)|int }}{% endmacro %}{{ fact(5) }}
----
{% macro outer(x) %}{% macro inner(y) %}{{ x }}{{ y }}{% endmacro %}{{ inner(1) }}{{ inner(2) }}{% endmacro %}{{ outer('a') }}{{ inner is defined }}
----
{% macro m() %}{{ late }}{{ n }}{% endmacro %}{% set late = 'now' %}{{ m() }}{% set late = 'later' %}{{ m() }}
----
{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}
----
{% macro dialog(title) %}<{{ title }}>{{ caller('arg') }}</{{ title }}>{% endmacro %}{% call(x) dialog('T') %}body {{ x }} {{ n }}{% endcall %}
----
{% macro dialog() %}{{ caller() }}{{ caller() }}{% endmacro %}{% for i in [1, 2] %}{% call dialog() %}{{ i }}{% endcall %}{% endfor %}
----
{% macro nocaller() %}x{% endmacro %}{% call nocaller() %}y{% endcall %}
----
{% macro m() %}{{ caller }}|{{ caller is defined }}{% endmacro %}{{ m() }}
----
{% macro m(caller='d') %}{{ caller }}{% endmacro %}{{ m() }}{{ m('e') }}
----
{% call 5 %}{% endcall %}
----
{% filter upper %}abc {{ s }}{% endfilter %}{% filter replace('a', 'b')|upper %}aXa{% endfilter %}{% filter trim %}  x  {% endfilter %}
----
{% with a = 1, b = n %}{{ a }}{{ b }}{% set a = 5 %}{{ a }}{% endwith %}{{ a is defined }}{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q is defined }}
----
{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}
----
{% raw %}{{ not }} {% rendered %} {# x #}{% endraw %}|{%- raw -%} a {%- endraw -%} |{% raw %}
 x
{% endraw %}
y
----
a{# comment #}b{#- trimmed -#} c {# multi
line #}
d
----
{%- if true -%} x {%- endif -%} y
----
  {% if true %}
  keep
  {% endif %}
 {{ n }}
{% for i in l %}
  {{ i }}
{% endfor %}
end
----
  {%+ if true %}a{% endif +%}
b
----
a  {{- n -}}  b {{ n -}}  c  {{- n }} d
----
{{ n }}
{{ n }}

----
line1
{% set x = 1 %}
{% set y = 2 %}

{{ x }}
----
<div>
    {% for i in [1, 2] %}
    <p>{{ i }}</p>
    {% endfor %}
</div>
----
{# c #}
x
  {# c #}
y {# c #}
z
----
{% if true %}a{% endif %}
{% if true %}b{% endif %}

c
----
{% print n, s %}{% print 'x' %}
----
{% autoescape true %}{{ html }}{{ html|safe }}{{ '<' ~ html|safe }}{% set x %}<{{ html }}>{% endset %}{{ x }}{% endautoescape %}{{ html }}
----
{% autoescape true %}{{ ['<', '>'|safe]|join(',') }}{% macro m() %}<i>{{ html }}{% endmacro %}{{ m() }}{{ '<'|replace('<', '&') }}{{ {'a': '<'}|xmlattr }}{% endautoescape %}
----
{% block title %}T{{ n }}{% endblock %}|{% set bx = 5 %}{% block other %}{{ bx }}{% endblock other %}
----
{% for i in [1, 2] %}{% block b %}{{ i is defined }}{% endblock %}{% endfor %}|{% for i in [1, 2] %}{% block c scoped %}{{ i }}{% endblock %}{% endfor %}
----
{% unknown %}
----
{% endfor %}
----
{% for i in l %}
----
{% if true %}{% endfor %}
----
{% for i in l %}{% endif %}
----
{% macro m(a, a) %}{% endmacro %}
----
{% macro m(a=1, b) %}{% endmacro %}
----
{% set 5 = 1 %}
----
{% set true = 1 %}
----
{% for loop in l %}{% endfor %}
----
{% break %}
----
{{ }}
----
{{ n
----
{% if %}x{% endif %}
----
{# open
----
{% raw %} open
----
{% for i in l: %}{{ i }}{% endfor %}
----
{%if n%}a{%endif%}{%for i in l%}{{i}}{%endfor%}
----
{% set x = [1, 2] %}{% set x = x + [3] %}{{ x }}{% set x = {'a': 1} %}{{ x.a }}
----
{% if 'x' is nosuchtest %}a{% endif %}
----
{% if false %}{{ 'x'|nosuchfilter }}{% endif %}ok
----
{% if true %}{{ 'x'|nosuchfilter }}{% endif %}ok
----
{% set c = cycler('odd', 'even') %}{% for i in range(3) %}{{ c.next() }} {% endfor %}{{ c.current }}{{ c.reset() }}{{ c.current }}{% set j = joiner('; ') %}{% for i in l %}{{ j() }}{{ i }}{% endfor %}
----
{% for x in people|groupby('age') %}{{ x.grouper }}:{{ x.list|map(attribute='name')|join(',') }} {% endfor %}{% for age, group in people|groupby('age') %}{{ age }}={{ group|length }} {% endfor %}
----
{% for row in range(7)|batch(3, '-') %}{{ row|join(' ') }}/{% endfor %}{% for col in range(7)|slice(3) %}{{ col }}{% endfor %}
----
{% set gen = l|select('gt', 1) %}{{ gen|list }}{{ gen|list }}
----
{% for i in l|map('string') if i != '1' %}{{ i }}{{ loop.index }}{% endfor %}
----
{% for i in range(3) %}{% for j in range(3) %}{% if j == 1 %}{% continue %}{% endif %}{% if i == 1 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}
----
{% for i in range(3) %}{% filter upper %}a{% if i == 1 %}{% break %}{% endif %}b{% endfilter %}{% endfor %}
----
{% for i in range(3) %}{% set q %}x{% if i == 1 %}{% continue %}{% endif %}y{% endset %}{{ q }}{{ i }}{% endfor %}
----
{{ s -}}
   {{- s }}
----
{{'<|im_start|>' + 'user' + '
' + s + '<|im_end|>' + '
'}}
----
{{ "a" }}{{- " b" -}}   {{ "c" }}
----
{% set x = namespace(a=namespace(b=1)) %}{{ x.a.b }}{% set y = x.a %}{% set y.b = 2 %}{{ x.a.b }}
----
{% set loop_var = 'x' %}{% for loop_var in [1] %}{{ loop_var }}{% endfor %}{{ loop_var }}
----
{% for i in [1] %}{{ messages }}{% endfor %}{% set messages = 5 %}{{ messages }}
----
{% for i in [1] %}{{ n }}{% endfor %}{% set n = 5 %}{{ n }}
----
{% macro m(x) %}{% if x > 0 %}{{ x }}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}
----
{% macro a() %}A{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}
----
{% macro m(x=n, y=x) %}{{ x }}{{ y }}{% endmacro %}{{ m() }}{{ m(1) }}
----
{% set f = s.upper %}{{ f() }}{% set g = d.get %}{{ g('a') }}{% set h = namespace %}{{ h(a=3).a }}
----
{% set x = 'a' if missing %}[{{ x }}]{{ x is defined }}
----
{{ raise_exception('bad ' ~ u) }}
----
{% if not (s is string) %}{{ raise_exception('no') }}{% endif %}fine
----
{% generation %}gen {{ n }}{% endgeneration %} rest {% for i in l %}{% generation %}{{ i }}{% endgeneration %},{% endfor %}
----
{% generation %}{% set leak = 1 %}{{ leak }}{% endgeneration %}{{ leak is defined }}
----
{%- for message in [{'role': 'user', 'content': ' hi '}, {'role': 'assistant', 'content': 'yo'}] -%}
    {%- if loop.first and message.role != 'system' -%}
        {{- '<s>' -}}
    {%- endif -%}
    {{- '[' ~ message['role']|upper ~ '] ' ~ message['content']|trim ~ '\n' -}}
{%- endfor -%}
----
{{ '{{' }}{{ '}}' }}{{ '{%' }}{{ "%}" }}
----
{{ {'a': {'b': 1}}['a']['b'] }}{{ {'a': {}} }}{{ [{}] }}
----
{{-s-}}{{+n}}{{ -n }}{{ - n }}
----
text with } and { and % and # and {  { and }  }
----
{{ n }}%}{{ n }}}}
----
{% for x in [[1, 2], [3, 4]] %}{% for y in x %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}
----
{% set items = {'a': 1} %}{% for key, value in items.items() %}{{ key }}{{ value }}{% endfor %}{% for key in items %}{{ key }}{{ items[key] }}{% endfor %}
----
{% set ns = namespace(found=false) %}{% for i in l %}{% if i == 2 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.found }}
----
{% set a = 1 %}{% if true %}{% set a = 2 %}{% endif %}{{ a }}{% macro m() %}{% set a = 3 %}{{ a }}{% endmacro %}{{ m() }}{{ a }}
----
{%- set text = 'x' -%}
  {{ text }}
{%- if true %}
  {{ text }}
{% endif -%}
end
----
{{ x.y if x is defined else 'nox' }}{{ (x|default({})).y|default('noy') }}
----
{% for k, v in {'a': [1, 2], 'b': []}.items() %}{{ k }}:{% for i in v %}{{ i }}{% else %}-{% endfor %};{% endfor %}
----
{% for i in range(3) -%} {{ i }} {%- endfor %}|{% for i in range(3) %} {{ i }} {% endfor %}
----
{{ "multi
line" }}	tab{{ '	' }}
----
{% if n is defined and n is number and n > 5 and not (n is string or n is mapping) %}yes{% endif %}
----
{% set a = b = 1 %}
----
{% set a = %}
----
{% for %}{% endfor %}
----
{{ a..b }}
----
{{ a.'b' }}
----
{{ [1, 2 }}
----
{{ (1, 2] }}
----
{% block a %}{% endblock %}{% block a %}{% endblock %}
----
{% macro %}{% endmacro %}
----
{% call m() %}
----
{{ caller() }}
----
{% set x %}{{ 1 / 0 }}{% endset %}
----
{% set x = l %}{% for i in x %}{% set x = [] %}{{ i }}{% endfor %}{{ x }}
----
{% for i in [3, 2, 1]|sort %}{{ i }}{% endfor %}{% for i in 'abc' %}{{ i }}{% endfor %}{% for i in (1, 2) %}{{ i }}{% endfor %}{% for i in d.values() %}{{ i }}{% break %}{% endfor %}
----
{{ loop }}
----
{% for i in l %}{{ loop is defined }}{% break %}{% endfor %}
----
é{% if true %}ü{% endif %} 日本{{ u }}語
'''.strip("\n")

TASK_EXPRESSIONS = r'''
missing
missing is defined, missing is undefined, missing|default('x')
missing == 1
missing or 1
not missing
missing ~ 'x'
[missing]
missing|length
missing in [1]
1 in missing
d.q
d.q is defined
d.a
('x' if false)
'x' if missing else 'y'
l.append(4), l
l.pop(), l.pop(0), l
d.update({'q': 1}), d.q, d.pop('q'), d.setdefault('w', 2), d.w
l.extend([5]), l.insert(0, 9), l.remove(9), l.reverse(), l, l.sort(), l
d|tojson, html|tojson, u|tojson, d|tojson(indent=2)
s|regex_replace('l+', 'L'), s|regex_replace('(\w+), (\w+)', '\\2 \\1'), s|regex_replace('O', 'x', count=1), 'a1b22'|regex_replace('\d', '#', 1), 'Hello  World'|regex_replace('\\s+', ' '), 'x'|regex_replace('(?P<n>x)', '[\\g<n>]')
'%s' % missing
missing|upper
people|map(attribute='city')|list
people|selectattr('city', 'defined')|list|length
people|selectattr('city')|list|length
people|map(attribute='city', default='q')|join(',')
missing|list
missing|first
missing|int
missing is none, missing is string
missing is iterable
missing is sequence
'a' + missing
missing.x
{'a': missing}|length
l[9] is defined, s[99] is undefined
l[9]
(missing|default({})).get('a', 1)
'yes' if d.zzz is defined and d.zzz else 'no'
'\n' ~ s ~ '\n'
'a' if 'b' in d else 'c', d.nested.x[0]
raise_exception('x')
range(200000)|length
'%s: %s' % (people[0].name, people[0].age)
s.strip().split(',')[0], 'ABCD'[l[0]], ['A', 'B'].index('B')
{'a': 0, 'b': 1}['b'], d['b'], d.get('zz', 'none')
'A. %s' % s, '{}. {}'.format('A', s)
loop
true|string|lower, ['no', 'yes'][true], [' no', ' yes'][n > 5]
'\u00e9', 'é'|upper
'  trailing  '
'''.strip("\n")

TASK_STATEMENTS = r'''
{% for i in l %}{{ i }}
{% endfor %}
end

----
  {% if true %}
 x
{% endif %}
----
{{ s }}

{{ n }}
----
{% for i in missing %}{% endfor %}
----
{% if missing %}{% endif %}
----
{% set x = missing %}ok
----
{% set x = [] %}{% for i in l %}{% set _ = x.append(i * 2) %}{% endfor %}{{ x }}
----
Question: {{s}}
Choices:
{% for c in words %}{{ 'ABCD'[loop.index0] }}. {{ c }}
{% endfor %}Answer:
----
{%- for c in words %}
{{ loop.index }}) {{ c }}
{%- endfor %}
----
{{s.strip()}}
{%- if no %}{{no}}{%- endif %} {{ words|join('; ') }}
----
{% set q = s.split(', ') %}{{ q[0] }} / {{ q[1] }}
----
{% macro m(x) %}{{ x }}{{ y }}{% endmacro %}{{ m(1) }}
----
{% macro m(x) %}{{ x }}{% endmacro %}{{ m() }}
'''.strip("\n")

NOW = dt.datetime(2024, 7, 5, 9, 3, 7)
SAME = {"TemplateAssertionError": "TemplateSyntaxError", "FilterArgumentError": "TemplateRuntimeError", "KeyError": "LookupError",
        "IndexError": "LookupError", "AssertionError": "ValueError", "RuntimeError": "TemplateRuntimeError",
        "RecursionError": "TemplateLimitError", "AttributeError": "TypeError", "UnicodeDecodeError": "TemplateSyntaxError", "SyntaxError": "TemplateSyntaxError"}


class Now(dt.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


U.datetime = Now


def chat(template):
    return U._compile_jinja_template(template).render(**json.loads(json.dumps(CONTEXT)))


def task(template):
    env = jinja2.Environment(loader=jinja2.BaseLoader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    env.filters["regex_replace"] = lambda string, pattern, repl, count=0: re.sub(pattern, repl, string, count=count)
    return env.from_string(template).render(**json.loads(json.dumps(CONTEXT)))


def main():
    cases = [("chat", "{{ " + x + " }}") for x in EXPRESSIONS.replace("\\\nend", "\\\0end").split("\n")]
    cases = [(a, b.replace("\0", "\n")) for a, b in cases]
    cases += [("chat", x.strip("\n") if x.count("\n") < 2 else x[1:] if x.startswith("\n") else x) for x in STATEMENTS.split("----")]
    cases += [("task", "{{ " + x + " }}") for x in TASK_EXPRESSIONS.split("\n")]
    cases += [("task", x[1:] if x.startswith("\n") else x) for x in TASK_STATEMENTS.split("----")]
    with open(os.path.join(HERE, "context.json"), "w", encoding="utf-8") as f:
        json.dump(CONTEXT, f, ensure_ascii=False, indent=1)
    n = errors = 0
    with open(os.path.join(HERE, "cases.jsonl"), "w", encoding="utf-8") as f:
        for dialect, template in cases:
            row = {"dialect": dialect, "template": template}
            try:
                row["text"] = (chat if dialect == "chat" else task)(template)
                row["text"].encode()
            except Exception as e:  # noqa: BLE001
                row.pop("text", None)
                row["error"] = SAME.get(type(e).__name__, type(e).__name__)
                errors += 1
            if " at 0x" in row.get("text", ""):
                continue  # an address
            f.write(json.dumps(row, ensure_ascii=False) + "\n")
            n += 1
    print(n, "cases,", errors, "errors")


if __name__ == "__main__":
    main()
