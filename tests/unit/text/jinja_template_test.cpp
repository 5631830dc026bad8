#include "text/jinja_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "text/jinja_error.h"
#include "text/jinja_json.h"

namespace cambium::text::jinja {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string render(std::string_view source, std::string_view variables = "{}", Options options = Options::chat()) {
  return Template(source, "t", options).render(from_json(variables, "variables"));
}

ErrorKind kind_of(std::string_view source, Options options = Options::chat()) {
  try {
    const std::string text = render(source, R"({"d": {"a": 1}, "l": [1]})", options);
    ADD_FAILURE() << source << " gave " << text.substr(0, 200);
  } catch (const TemplateError& error) {
    return error.kind();
  }
  return ErrorKind::kRuntime;
}

TEST(JinjaTemplate, SaysLineAndColumnOfASyntaxError) {
  EXPECT_THAT([] { render("line one\n  é {% if x %}\n{% endfor %}"); },
              ThrowsMessage<TemplateError>(AllOf(HasSubstr("t:3:4: TemplateSyntaxError"), HasSubstr("'endfor'"))));
  EXPECT_THAT([] { render("{{ 'abc }}"); }, ThrowsMessage<TemplateError>(HasSubstr("t:1:4:")));
  EXPECT_THAT([] { render("a\n{% for x in y %}"); },
              ThrowsMessage<TemplateError>(AllOf(HasSubstr("'endfor'"), HasSubstr("'for' of line 2"))));
}

TEST(JinjaTemplate, SaysLineAndColumnOfWhatFailedAtRunTime) {
  EXPECT_THAT([] { render("x\n{{ a.b.c }}", R"({"a": {}})"); },
              ThrowsMessage<TemplateError>(
                  AllOf(HasSubstr("t:2:7: UndefinedError"), HasSubstr("'dict object' has no attribute 'b'"))));
  EXPECT_THAT(
      [] { render("{% for i in [1] %}\n  {{ 'a' + i }}{% endfor %}"); },
      ThrowsMessage<TemplateError>(HasSubstr("t:2:10: TypeError: can only concatenate str (not \"int\") to str")));
  EXPECT_THAT([] { render("{{ raise_exception('No: ' ~ 1) }}"); },
              ThrowsMessage<TemplateError>(HasSubstr("TemplateError: No: 1")));
}

TEST(JinjaTemplate, NamesTheNearestFilterTestAndTag) {
  EXPECT_THAT([] { render("{{ 1|uper }}"); }, ThrowsMessage<TemplateError>(HasSubstr("Did you mean 'upper'")));
  EXPECT_THAT([] { render("{{ 1 is strng }}"); }, ThrowsMessage<TemplateError>(HasSubstr("Did you mean 'string'")));
  EXPECT_THAT([] { render("{% fro x in y %}"); }, ThrowsMessage<TemplateError>(HasSubstr("Did you mean 'for'")));
}

TEST(JinjaTemplate, RefusesOtherTemplatesAndChance) {
  for (const char* source :
       {"{% include 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% extends 'x' %}"}) {
    EXPECT_EQ(kind_of(source), ErrorKind::kSyntax) << source;
  }
  EXPECT_EQ(kind_of("{{ [1, 2]|random }}"), ErrorKind::kSecurity);
  EXPECT_EQ(kind_of("{{ lipsum() }}"), ErrorKind::kSecurity);
}

TEST(JinjaTemplate, LetsNoAttributeLeadOutOfTheData) {
  for (const char* source :
       {"{{ ''.__class__.__mro__ }}", "{{ l.__class__.__base__ }}", "{{ d.__init__.__globals__ }}",
        "{{ raise_exception.__globals__['os'] }}", "{{ range.__self__.x }}", "{{ ''['__class__']['x'] }}",
        "{{ (''|attr('__class__'))() }}", "{{ '{0.__class__.__mro__}'.format(1) }}", "{{ namespace.__init__() }}",
        "{% macro m() %}{% endmacro %}{{ m.__call__.__func__ }}"}) {
    EXPECT_THAT(kind_of(source), testing::AnyOf(ErrorKind::kSecurity, ErrorKind::kUndefined)) << source;
  }
}

TEST(JinjaTemplate, ChangesNoListOrDictUnlessAllowed) {
  for (const char* source : {"{{ l.append(2) }}", "{{ l.pop() }}", "{{ d.update({'b': 1}) }}", "{{ d['clear']() }}"}) {
    EXPECT_EQ(kind_of(source), ErrorKind::kSecurity) << source;
  }
  EXPECT_EQ(render("{% set _ = l.append(2) %}{{ l }}", R"({"l": [1]})", Options::task()), "[1, 2]");
  EXPECT_EQ(kind_of("{% set _ = l.append([l]) %}", Options::task()), ErrorKind::kValue);
}

// Templates come from strangers: each of these would run, grow or recurse without end.
TEST(JinjaTemplate, EndsHostileTemplatesWithALimit) {
  const std::string many_brackets(5000, '[');
  const std::string many_nots = std::string("{{ ") + std::string(1, ' ');
  std::string chain = "{{ 1";
  for (int i = 0; i < 5000; ++i) chain += "+1";
  std::string nots = "{{ ";
  for (int i = 0; i < 5000; ++i) nots += "not ";
  std::string filters = "{{ 'a'";
  for (int i = 0; i < 5000; ++i) filters += "|upper";
  std::string blocks;
  for (int i = 0; i < 5000; ++i) blocks += "{% if 1 %}";
  for (const std::string& source : {"{{ " + many_brackets, chain + " }}", nots + "1 }}", filters + " }}", blocks}) {
    EXPECT_EQ(kind_of(source), ErrorKind::kSyntax) << source.substr(0, 40);
  }
  for (const char* source :
       {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% for i in range(100000) %}{{ 'x' * 100000 }}{% endfor %}",
        "{{ 'x' * 10000000000 }}",
        "{{ ([0] * 100000) * 100000 }}",
        "{{ '%2000000000d' % 1 }}",
        "{{ '{:2000000000}'.format(1) }}",
        "{{ 'x'.ljust(10000000000) }}",
        "{{ ('a' * 1000000)|replace('a', 'b' * 1000000) }}",
        "{{ ','.join(['x' * 1000000] * 1000) }}",
        "{{ ('x\n' * 100000)|indent(10000) }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = "
        "[ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
        "{% set ns = namespace(l=(1,)) %}{% for i in range(60) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ {ns.l: 1} "
        "}}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ "
        "ns.l|tojson }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(50000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(50000) %}{% set ns.l = ns.l|map('upper') %}{% endfor %}{{ "
        "ns.l|list }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}"}) {
    EXPECT_EQ(kind_of(source), ErrorKind::kLimit) << source;
  }
}

TEST(JinjaTemplate, FreesDeepValuesAndCyclesOfNamespaces) {
  EXPECT_EQ(render("{% set ns = namespace(l=[1]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}ok"),
            "ok");
  EXPECT_EQ(render("{% set ns = namespace() %}{% set ns.me = [ns, {'a': ns}] %}ok"), "ok");
  EXPECT_EQ(render("{% set ns = namespace() %}{% macro m() %}{{ ns.m }}{% endmacro %}{% set ns.m = m %}ok"), "ok");
}

TEST(JinjaTemplate, KeepsWhatItsOptionsSayAboutNewlines) {
  Options keep;
  keep.keep_trailing_newline = true;
  EXPECT_EQ(render("a\n", "{}", Options{}), "a");
  EXPECT_EQ(render("a\n\n", "{}", Options{}), "a\n");
  EXPECT_EQ(render("a\n", "{}", keep), "a\n");
  EXPECT_EQ(render("a\r\nb\rc", "{}", Options{}), "a\nb\nc");
  EXPECT_EQ(render(" {% if 1 %}\nx\n {% endif %}\n", "{}", Options{}), " \nx\n ");
  EXPECT_EQ(render(" {% if 1 %}\nx\n {% endif %}\n"), "x\n");
}

TEST(JinjaTemplate, RendersTheSameFromSeveralThreads) {
  const Template shared("{% for i in l %}{{ i ~ 'x' ~ {'k': [i]} }}{% endfor %}", "t", Options::chat());
  const Value variables = from_json(R"({"l": [1, 2, "three", null]})", "variables");
  const std::string expected = shared.render(variables);
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (std::string& result : results) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) result = shared.render(variables);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(results, testing::Each(expected));
}

TEST(JinjaTemplate, MarksWhatGenerationBlocksWriteInCodePoints) {
  const Template marked("é{% generation %}日本{% endgeneration %}-{% generation %}{% endgeneration %}", "t",
                        Options::chat());
  const Rendering rendering = marked.render_tracked(Value::dict());
  EXPECT_EQ(rendering.text, "é日本-");
  EXPECT_THAT(rendering.generated, testing::ElementsAre(testing::Pair(1, 3), testing::Pair(4, 4)));
}

TEST(JinjaTemplate, PrintsIntegersBeyond64BitsButDoesNotComputeWithThem) {
  EXPECT_EQ(render("{{ n }} {{ -n }} {{ n|tojson }} {{ n > 5 }}", R"({"n": 123456789012345678901})"),
            "123456789012345678901 -123456789012345678901 123456789012345678901 True");
  EXPECT_EQ(kind_of("{{ 99999999999999999999 + 1 }}"), ErrorKind::kOverflow);
  EXPECT_EQ(kind_of("{{ 9223372036854775807 + 1 }}"), ErrorKind::kOverflow);
}

TEST(DateTime, ReadsIsoDatesAndRefusesOthers) {
  EXPECT_EQ(DateTime::parse("2024-02-29")->day, 29);
  EXPECT_EQ(DateTime::parse("2024-07-05T09:03:07")->second, 7);
  EXPECT_EQ(DateTime::parse("2024-07-05 09:03")->minute, 3);
  for (const char* wrong : {"", "2024", "2023-02-29", "2024-13-01", "2024-07-05T25:00", "2024-07-05T09:03:07Z", "x"}) {
    EXPECT_FALSE(DateTime::parse(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace cambium::text::jinja
