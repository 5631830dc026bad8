"""easy-VQA (the PyPI package easy-vqa 1.0, MIT licence) as training rows: prepare.py WHEEL FOLDER

Writes FOLDER/images/{train,test}/*.png, FOLDER/train.json and FOLDER/test.json in LLaVA's form.
"""
import json
import os
import random
import sys
import zipfile

wheel, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for side in ("train", "test"):
        images = os.path.join(folder, "images", side)
        os.makedirs(images, exist_ok=True)
        for name in archive.namelist():
            if name.startswith(f"easy_vqa/data/{side}/images/") and name.endswith(".png"):
                with open(os.path.join(images, os.path.basename(name)), "wb") as out:
                    out.write(archive.read(name))
        by_image = {}
        for question, answer, image in json.loads(archive.read(f"easy_vqa/data/{side}/questions.json")):
            by_image.setdefault(image, []).append((question, answer))
        # Training: four questions a conversation, so that a picture's tokens are computed once for them; tests: one.
        together, rows, draw = (4 if side == "train" else 1), [], random.Random(1)
        for image, pairs in by_image.items():
            draw.shuffle(pairs)
            for first in range(0, len(pairs), together):
                turns = []
                for question, answer in pairs[first:first + together]:
                    turns += [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
                turns[0]["value"] = "<image>\n" + turns[0]["value"]
                rows.append({"id": f"{side}-{image}-{first}", "image": f"images/{side}/{image}.png", "conversations": turns})
        with open(os.path.join(folder, f"{side}.json"), "w") as out:
            json.dump(rows, out)
        print(f"{side}: {len(rows)} conversations")
