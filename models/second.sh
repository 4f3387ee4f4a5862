#!/bin/sh
# The models in the box, in stages: each begins from the weights of an earlier one. One seed (0), a thread a training.
#
#     DERAIN_FREE=pictures models/second.sh runs/box
#
# The pictures are those of first.toml: models/photographs.py --tile-px 128, and derain paint --number 2400.
set -eu
out=$1
common="--backgrounds $DERAIN_FREE/photographs $DERAIN_FREE/generated --count 6000 --min-std 3 --batch-size 16
    --background-size 128 --patch-size 64 --layers 4000 --warmup 200 --threads 1 --seed 0"
unet=unet:base=16,levels=4,norm=none,activation=leaky_relu

# The first stage is models/second.toml: 1 - SSIM. Its first 15,662 iterations are models/second-stage.safetensors.
# shellcheck disable=SC2086
derain train --out "$out/balanced" --init models/second-stage.safetensors $common --rain models/rain/balanced.toml \
    --network $unet --iterations 9000 --loss l1+ssim:0.2 --learning-rate 5e-4
# shellcheck disable=SC2086
derain train --out "$out/strong" --init "$out/balanced/model.safetensors" $common --rain models/rain/strong.toml \
    --network $unet --iterations 5000 --loss ssim --learning-rate 4e-4
# A network of a quarter of the cost, not in the box yet: models/fast-stage.safetensors.
# shellcheck disable=SC2086
derain train --out "$out/fast" $common --rain models/rain/balanced.toml \
    --network half_$unet --iterations 18000 --loss l1+ssim:0.2 --learning-rate 1e-3

for name in balanced strong; do
    derain export --model "$out/$name/model.safetensors" --to float16 --out "src/derain/models/$name.safetensors"
done
