"""Keys that other projects have, and no spec."""

OTHERS = [
    "no_distillation_token",
    "no_qkv_bias",
    "not_qkv_bias",
    "without_qkv_bias",
    "disable_qkv_bias",
    "num_kv_heads",
    "num_heads_kv",
    "layer_norm",
    "fc_dropout",
    "dropout2",
    "patch_stride",
    "max_image_size",
    "test_image_size",
    "q_bias",
    "k_bias",
    "v_bias",
    "out_channels",
    "drop_patch",
    "mlp_depth",
    "patch_depth",
    "num_tokens",
]
"""Words that are like a field's and mean something else."""
