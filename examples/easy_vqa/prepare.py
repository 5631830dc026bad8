"""easy-VQA (the PyPI package easy-vqa 1.0, MIT licence) as training rows: prepare.py WHEEL FOLDER

Unpacks the wheel's data into FOLDER/easy_vqa and writes, in LLaVA's form, FOLDER/open.json (of each training picture one question about
its colour and one about its shape), FOLDER/train.json (all training questions, four a conversation, so that a picture's tokens are
computed once for them) and FOLDER/test.json (one question a row). Prints what answering without the picture would get.
"""
import collections
import json
import os
import random
import sys
import zipfile

SHAPES = ("circle", "rectangle", "triangle")
ASK = "\nAnswer with a single word:"  # as tasks/easy_vqa asks; said once a conversation


def conversation(name, image, pairs):
    turns = []
    for question, answer in pairs:
        turns += [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    turns[0]["value"] = "<image>" + turns[0]["value"] + ASK
    return {"id": name, "image": image, "conversations": turns}


def main():
    wheel, folder = sys.argv[1:]
    questions = {}
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith("easy_vqa/data/")])
        for side in ("train", "test"):
            questions[side] = json.loads(archive.read(f"easy_vqa/data/{side}/questions.json"))
    for side, together in (("train", 4), ("test", 1)):
        by_image = collections.defaultdict(list)
        for question, answer, image in questions[side]:
            by_image[image].append((question, answer))
        rows, open_rows, draw = [], [], random.Random(1)
        for image, pairs in by_image.items():
            draw.shuffle(pairs)
            file = f"easy_vqa/data/{side}/images/{image}.png"
            for first in range(0, len(pairs), together):
                rows.append(conversation(f"{side}-{image}-{first}", file, pairs[first:first + together]))
            shape = [pair for pair in pairs if pair[1] in SHAPES][:1]
            colour = [pair for pair in pairs if pair[1] not in (*SHAPES, "yes", "no")][:1]
            if shape or colour:
                open_rows.append(conversation(f"{side}-{image}", file, draw.sample(shape + colour, len(shape + colour))))
        for name, written in ((side, rows), ("open", open_rows if side == "train" else None)):
            if written is None:
                continue
            with open(os.path.join(folder, f"{name}.json"), "w") as out:
                json.dump(written, out)
            print(f"{name}: {len(written)} conversations")
    answers = collections.defaultdict(collections.Counter)
    for question, answer, _ in questions["train"]:
        answers[question][answer] += 1
    right = sum(answers[question].most_common(1)[0][0] == answer for question, answer, _ in questions["test"])
    always = collections.Counter(answer for _, answer, _ in questions["test"]).most_common(1)[0]
    print(f"without the picture: {right / len(questions['test']):.1%} of the test questions with each question's commonest answer, "
          f"{always[1] / len(questions['test']):.1%} with '{always[0]}' alone")


main()
