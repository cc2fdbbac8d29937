#!/usr/bin/env bash
# Train on a SLURM cluster, one task a GPU; on a partition without them GPUS tasks, with GPUS_PER_NODE=0.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: [GPUS=8 GPUS_PER_NODE=8 CPUS_PER_TASK=5 SRUN_ARGS=...] $0 PARTITION JOB CONFIG [options of" \
        "mmhsi train]" >&2
    exit 2
fi
partition=$1 job=$2 config=$3
shift 3
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-8}
if [ "$per_node" -gt "$gpus" ]; then per_node=$gpus; fi
gres="--gres=gpu:$per_node --ntasks-per-node=$per_node"
if [ "$per_node" -eq 0 ]; then gres=; fi
# gres and SRUN_ARGS are split into words.
# shellcheck disable=SC2086
exec srun -p "$partition" --job-name="$job" $gres --ntasks="$gpus" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$(dirname "$0")/train.py" "$config" --launcher slurm "$@"
