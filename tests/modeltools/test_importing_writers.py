"""Which models that write text are taken from the Hub, and what is asked of them. Needs no torch."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from slipway.modeltools.importing.address import HubAddress
from slipway.modeltools.importing.files import model_files as converted_files
from slipway.modeltools.importing.files import served_files
from slipway.modeltools.importing.heads import engine_of, head_of
from slipway.modeltools.importing.hub import Hub, HubFile
from slipway.modeltools.importing.plan import Choices, ImportPlan, plan_import
from slipway.modeltools.importing.shards import join_shards, parameters_of, precision_of
from slipway.modeltools.importing.writer import LEAST_TOKENS, MOST_BY_DEFAULT, Writer
from slipway.service.faults import BadModel
from tests.modeltools.hub_fixtures import REPO, TestHub, fake_hub, hub, model_files, quiet_client

__all__ = ["fake_hub", "hub", "quiet_client"]  # fixtures

FLAN_T5: dict[str, Any] = {
    "architectures": ["T5ForConditionalGeneration"],
    "model_type": "t5",
    "is_encoder_decoder": True,
    "n_positions": 512,
    "task_specific_params": {"summarization": {"prefix": "summarize: ", "num_beams": 4}},
}
ADDRESS = f"hf:{REPO}@{'0' * 40}"
LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "max_position_embeddings": 131072,
    "dtype": "bfloat16",
}


def writer(config: dict[str, Any], tokenizer: dict[str, Any] | None = None) -> Writer:
    head = head_of("hf:acme/x", {"config.json": config, "tokenizer_config.json": tokenizer or {}})
    assert isinstance(head, Writer)
    return head


@pytest.mark.parametrize(
    ("config", "tokenizer", "task", "limit", "half", "prefix"),
    [
        (FLAN_T5, {"model_max_length": 512}, "summarize", 512, False, "summarize: "),
        ({**FLAN_T5, "task_specific_params": None}, {}, "summarize", 512, False, "summarize: "),
        ({**FLAN_T5, "model_type": "mt5", "task_specific_params": None}, {}, "summarize", 512, False, ""),
        (LLAMA, {"model_max_length": 10**30}, "generate", 131072, True, ""),
        (LLAMA, {"model_max_length": 8192}, "generate", 8192, True, ""),
        ({"architectures": ["GPT2LMHeadModel"], "n_positions": 1024}, {}, "generate", 1024, False, ""),
    ],
)
def test_task_length_and_prefix_are_what_the_files_say(
    config: dict[str, Any], tokenizer: dict[str, Any], task: str, limit: int, half: bool, prefix: str
) -> None:
    head = writer(config, tokenizer)
    assert (head.task, head.limit, head.half, head.prefix) == (task, limit, half, prefix)


def test_a_long_context_is_taken_only_where_it_is_asked_for() -> None:
    head = writer(LLAMA)
    assert head.tokens("here", None) == MOST_BY_DEFAULT
    assert head.tokens("here", 20_000) == 20_000


@pytest.mark.parametrize("asked", [LEAST_TOKENS - 1, 513])
def test_a_length_that_the_model_does_not_take_is_refused(asked: int) -> None:
    with pytest.raises(BadModel, match=rf"--max-tokens: got {asked}; allowed: from {LEAST_TOKENS} to 512"):
        writer(FLAN_T5).tokens("here", asked)


def test_a_model_that_states_no_length_is_asked_for_one() -> None:
    head = writer({**FLAN_T5, "n_positions": None})
    with pytest.raises(BadModel, match="here states no longest text; give one with --max-tokens"):
        head.tokens("here", None)
    assert head.tokens("here", 700) == 700


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            {"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper"},
            r"says WhisperForConditionalGeneration, model_type 'whisper'; served are .*bart, longt5",
        ),
        ({"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava"}, "model_type 'llava'"),
        ({**LLAMA, "is_encoder_decoder": True}, "model_type 'llama'; served are"),
        ({**LLAMA, "auto_map": {"AutoModelForCausalLM": "m.M"}}, "auto_map"),
        ({**LLAMA, "quantization_config": {"quant_method": "gptq"}}, r"has quantization_config \(gptq\)"),
    ],
)
def test_what_is_not_served_is_refused(config: dict[str, Any], told: str) -> None:
    with pytest.raises(BadModel, match=told):
        writer(config)


@pytest.mark.parametrize(("config", "task"), [(FLAN_T5, "generate"), (LLAMA, "summarize"), (LLAMA, "embed")])
def test_a_model_for_another_task_than_the_one_asked_for_is_refused(
    config: dict[str, Any], task: str
) -> None:
    told = rf"--task: got '{task}'; allowed: '\w+', as config.json says .*{config['architectures'][0]}"
    with pytest.raises(BadModel, match=told):
        head_of("hf:acme/x", {"config.json": config}, None, task)


def test_ctranslate2_serves_what_writes_text_and_onnx_the_rest_unless_it_is_said() -> None:
    other = head_of("here", {"config.json": {"architectures": ["BertForSequenceClassification"]}})
    assert (engine_of("here", writer(LLAMA)), engine_of("here", other)) == ("ctranslate2", "onnx")
    assert engine_of("here", other, "torch") == engine_of("here", writer(LLAMA), "torch") == "torch"
    with pytest.raises(
        BadModel, match=r"--engine: got 'onnx'; allowed for the task summarize: 'ctranslate2'"
    ):
        engine_of("here", writer(FLAN_T5), "onnx")
    with pytest.raises(BadModel, match=r"got 'ctranslate2', which serves models that write text; allowed"):
        engine_of("here", other, "ctranslate2")


LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192}


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({**FLAN_T5, "model_type": "longt5"}, "the engine has no local attention"),
        ({**LLAMA, "model_type": "gemma2"}, "the engine leaves out the cap on its scores"),
        ({**LLAMA, "model_type": "mamba"}, "its families are bart, mt5"),
        (
            {**LLAMA, "rope_scaling": {"type": "yarn", "factor": 4.0}},
            "no rotary positions of the type 'yarn'",
        ),
        (
            {**LLAMA, "rope_parameters": {**LLAMA3, "original_max_position_embeddings": 4096}},
            "the engine scales rotary positions from 8192 tokens, the model from 4096",
        ),
    ],
)
def test_a_model_that_ctranslate2_does_not_take_is_served_by_torch(config: dict[str, Any], told: str) -> None:
    found = writer(config)
    assert engine_of("here", found) == "torch"
    with pytest.raises(BadModel, match=f"--engine: got 'ctranslate2', which does not take .*{told}.*'torch'"):
        engine_of("here", found, "ctranslate2")


def test_rotary_positions_that_the_engine_scales_as_the_model_does_are_taken() -> None:
    assert writer({**LLAMA, "rope_scaling": LLAMA3}).refusal is None
    gemma = {"full_attention": {"rope_type": "default"}, "sliding_attention": {"rope_type": "default"}}
    assert writer({**LLAMA, "model_type": "gemma3_text", "rope_parameters": gemma}).refusal is None


def test_a_sliding_window_bounds_what_ctranslate2_takes() -> None:
    found = writer({**LLAMA, "model_type": "mistral", "sliding_window": 512})
    assert (found.tokens("here", None, "ctranslate2"), found.tokens("here", 4000)) == (512, 4000)
    with pytest.raises(BadModel, match=r"--max-tokens: got 600; allowed: from 64 to 512, which here takes"):
        found.tokens("here", 600, "ctranslate2")
    unused = writer({**LLAMA, "model_type": "qwen2", "sliding_window": 512, "use_sliding_window": False})
    assert unused.tokens("here", 4000, "ctranslate2") == 4000


def plan(hub: Hub, fake_hub: TestHub, files: dict[str, bytes], **asked: Any) -> ImportPlan:
    return plan_import(hub, HubAddress.parse(fake_hub.put(REPO, files)), Choices(**asked))


def t5_files(**more: bytes) -> dict[str, bytes]:
    return model_files() | {"config.json": json.dumps(FLAN_T5).encode()} | more


def test_what_the_server_reads_is_fetched_and_nothing_else(hub: Hub, fake_hub: TestHub) -> None:
    kept = {"generation_config.json": b"{}", "chat_template.jinja": b"{{ messages }}"}
    strays = {"pytorch_model.bin": b"a pickle", "spiece.model": b"x", "tf_model.h5": b"x", "run.py": b"x"}
    found = plan(hub, fake_hub, t5_files(**kept, **strays), engine="torch")
    expected = {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors", *kept}
    assert set(found.files) == expected
    assert (found.engine, found.head.task, found.license) == ("torch", "summarize", "apache-2.0")
    assert found.made_bytes == found.total_bytes


def test_a_model_whose_tokenizer_is_in_another_form_is_refused(hub: Hub, fake_hub: TestHub) -> None:
    files = t5_files(**{"spiece.model": b"x"})
    del files["tokenizer.json"]
    with pytest.raises(BadModel, match=r"has no tokenizer\.json, which the server reads on torch"):
        plan(hub, fake_hub, files, engine="torch")


def test_a_conversion_reads_a_tokenizer_in_any_form_and_no_pickle(hub: Hub, fake_hub: TestHub) -> None:
    files = t5_files(**{"spiece.model": b"x", "generation_config.json": b"{}", "pytorch_model.bin": b"x"})
    del files["tokenizer.json"]
    found = plan(hub, fake_hub, files)
    assert found.engine == "ctranslate2"
    assert {"spiece.model", "generation_config.json", "model.safetensors"} < set(found.files)
    assert "pytorch_model.bin" not in found.files


def test_a_model_with_pickles_alone_is_refused(hub: Hub, fake_hub: TestHub) -> None:
    files = t5_files(**{"pytorch_model.bin": b"x"})
    del files["model.safetensors"]
    with pytest.raises(BadModel, match=r"its weights are pytorch_model\.bin, pickles"):
        plan(hub, fake_hub, files)


def test_what_torch_serves_may_be_larger_than_what_is_converted() -> None:
    files = {
        name: HubFile(3 << 30, "", "") for name in ("config.json", "tokenizer.json", "model.safetensors")
    }
    address = HubAddress.parse(ADDRESS)
    assert "model.safetensors" in served_files(address, files, None)
    with pytest.raises(BadModel, match=r"3\.2 GB of float32 weights; an ONNX file takes at most 2\.0 GB"):
        converted_files(address, files, None, half=False)


def safetensors(path: Path, tensors: dict[str, tuple[str, list[int], bytes]]) -> Path:
    """By the format's own words. tensors: name -> dtype, shape, content."""
    header, content = dict[str, Any](), b""
    for name, (dtype, shape, data) in tensors.items():
        offsets = [len(content), len(content) + len(data)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        content += data
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)
    return path


def read(path: Path) -> dict[str, bytes]:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    return {
        name: data[slice(*found["data_offsets"])] for name, found in header.items() if name != "__metadata__"
    }


def test_files_of_weights_are_joined_tensor_by_tensor(tmp_path: Path) -> None:
    one = safetensors(tmp_path / "1", {"a": ("F32", [2], b"aaaabbbb"), "b": ("BF16", [1], b"cc")})
    two = safetensors(tmp_path / "2", {"c": ("F32", [1, 3], b"ddddeeeeffff")})
    join_shards([one, two], tmp_path / "all")
    assert read(tmp_path / "all") == {"a": b"aaaabbbb", "b": b"cc", "c": b"ddddeeeeffff"}
    assert (precision_of(tmp_path / "all"), parameters_of(tmp_path / "all")) == ("fp32", 6)


def test_a_tensor_that_is_in_two_files_is_refused(tmp_path: Path) -> None:
    one = safetensors(tmp_path / "1", {"a": ("F32", [1], b"aaaa")})
    two = safetensors(tmp_path / "2", {"a": ("F32", [1], b"bbbb")})
    with pytest.raises(BadModel, match="2 has a, which another file of the weights has too"):
        join_shards([one, two], tmp_path / "all")


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 8, b"\x02" + b"\0" * 7 + b"[]", b"\x09" + b"\0" * 7 + b'{"a": {}}']
)
def test_a_damaged_file_of_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(BadModel, match="w is no safetensors file: its header cannot be read"):
        precision_of(tmp_path / "w")


def test_weights_that_were_cut_are_refused(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "w", {"a": ("F32", [2], b"aaaabbbb")})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadModel, match=r"w has \d+ bytes; its header describes \d+"):
        precision_of(path)


def test_quantised_weights_are_refused(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "w", {"a": ("I8", [8], b"aaaabbbb"), "scale": ("F32", [1], b"cccc")})
    with pytest.raises(BadModel, match="its weights are stored as I8; allowed are F32, F16, BF16"):
        precision_of(path)
