#!/bin/sh
# The models in the box, in stages: each begins from the weights of an earlier one. One seed (0), a thread a training.
#
#     DERAIN_FREE=pictures models/box.sh runs/box
#
# The pictures are those of first.toml: models/photographs.py --tile-px 128, and derain paint --number 2400.
set -eu
out=$1
common="--backgrounds $DERAIN_FREE/photographs $DERAIN_FREE/generated --count 6000 --min-std 3
    --background-size 128 --layers 4000 --warmup 200 --threads 1 --seed 0"
unet=unet:base=16,levels=4,norm=none,activation=leaky_relu

# Second generation. Its first stage is models/second.toml: 1 - SSIM. The first 15,662 iterations of that are
# models/second-stage.safetensors. models/second/ has `balanced` and `strong`.
# shellcheck disable=SC2086
derain train --out "$out/balanced" --init models/second-stage.safetensors $common --rain models/rain/balanced.toml \
    --network $unet --iterations 9000 --loss l1+ssim:0.2 --batch-size 16 --patch-size 64 --learning-rate 5e-4
# shellcheck disable=SC2086
derain train --out "$out/strong" --init "$out/balanced/model.safetensors" $common --rain models/rain/strong.toml \
    --network $unet --iterations 5000 --loss ssim --batch-size 16 --patch-size 64 --learning-rate 4e-4

# Third generation: other rain and larger samples, from `balanced` of the second.
# shellcheck disable=SC2086
derain train --out "$out/broad" --init "$out/balanced/model.safetensors" $common --rain models/rain/broad.toml \
    --network $unet --iterations 15000 --loss l1+ssim:0.2 --batch-size 8 --patch-size 96 --learning-rate 5e-4
# shellcheck disable=SC2086
derain train --out "$out/broad_ssim" --init "$out/broad/model.safetensors" $common --rain models/rain/broad.toml \
    --network $unet --iterations 5000 --loss ssim --batch-size 8 --patch-size 96 --learning-rate 4e-4

# For thin, sharp streaks, from `balanced` of the third.
# shellcheck disable=SC2086
derain train --out "$out/light" --init "$out/broad/model.safetensors" $common --rain models/rain/light.toml \
    --network $unet --iterations 6000 --loss l1+ssim:0.2 --batch-size 8 --patch-size 96 --learning-rate 5e-4

# A network of a quarter of the cost, not in the box yet: models/fast-stage.safetensors.
# shellcheck disable=SC2086
derain train --out "$out/fast" $common --rain models/rain/balanced.toml --network half_$unet --iterations 18000 \
    --loss l1+ssim:0.2 --batch-size 16 --patch-size 64 --learning-rate 1e-3

derain export --model "$out/broad/model.safetensors" --to float16 --out src/derain/models/balanced.safetensors
derain export --model "$out/broad_ssim/model.safetensors" --to float16 --out src/derain/models/strong.safetensors
derain export --model "$out/light/model.safetensors" --to float16 --out src/derain/models/light.safetensors
