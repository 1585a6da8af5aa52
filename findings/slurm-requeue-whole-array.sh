#!/usr/bin/env bash
# Library: Slurm 22.05.8 (Debian 12), one node
# Guess: `scontrol requeue "$SLURM_JOB_ID"` in a task of an array puts that task back into the queue, as it does in a job
#   without an array: each task has a job's number of its own in that variable.
# Behaviour: In one of the tasks, the one that Slurm starts last, that number is the array's, and the command is taken to
#   mean all tasks: those that run are ended and begin anew, and their work since is lost. The others are right. What
#   means one task everywhere is ${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID.
# Seen: 2026-11-28:
#   slurm-wlm 22.05.8
#   task 3 of 3 puts itself back by SLURM_JOB_ID: back in the queue 1 2 3
#   task 1 of 3 puts itself back by SLURM_JOB_ID: back in the queue 1
#   task 3 of 3 puts itself back by the array's number and its own: back in the queue 3
set -u
PATH=$PATH:/usr/sbin
for program in munged slurmctld slurmd sbatch; do
  command -v $program >/dev/null || { echo "Slurm is missing: $program" >&2; exit 2; }
done
work=$(mktemp -d) || exit 2
cd "$work" || exit 2
finish() {  # only what was started here
  local file process
  for file in slurmd slurmctld munged; do
    process=$(cat $file.pid 2>/dev/null) && kill "$process" 2>/dev/null &&
      for _ in {1..50}; do kill -0 "$process" 2>/dev/null || break; sleep 0.1; done
  done
  rm -rf "$work"
}
trap finish EXIT
node=$(hostname -s)
mkdir state spool
export SLURM_CONF=$work/slurm.conf
cat >slurm.conf <<CONF
ClusterName=find
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=27817
SlurmdPort=27818
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName=$node NodeAddr=127.0.0.1 CPUs=4
PartitionName=all Nodes=$node Default=YES
CONF
head -c 1024 /dev/urandom >munge.key && chmod 400 munge.key
munged --force --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munged.pid" \
  --log-file="$work/munged.log" --seed-file="$work/munged.seed" 2>/dev/null && slurmctld -i 2>/dev/null && slurmd ||
  { echo "Slurm does not start" >&2; exit 2; }
for _ in {1..100}; do sinfo -h -o %T 2>/dev/null | grep -q idle && break; sleep 0.2; done
sinfo -h -o %T | grep -q idle || { echo "Slurm does not start" >&2; exit 2; }
sinfo --version


# The tasks that are back in the queue once one of three that run has put itself there.
back() {  # which task, how it names itself
  local array task
  rm -f go
  array=$(sbatch --parsable --array=1-3 --requeue --output=/dev/null --wrap "
    touch $work/runs.\$SLURM_ARRAY_TASK_ID
    until [ -e $work/go ]; do sleep 0.1; done
    [ \$SLURM_ARRAY_TASK_ID != $1 ] || scontrol requeue $2
    sleep 60")
  for task in 1 2 3; do
    for _ in {1..150}; do [ -e "runs.$task" ] && break; sleep 0.2; done
    rm "runs.$task" || exit 2
  done
  touch go
  for _ in {1..50}; do squeue -h -j "${array}_$1" -o %T | grep -q PENDING && break; sleep 0.2; done
  sleep 2
  squeue -h -r -j "$array" -t PENDING -o %K | sort -n | xargs
  scancel "$array"
  for _ in {1..100}; do [ -z "$(squeue -h -j "$array" 2>/dev/null)" ] && break; sleep 0.2; done
}
last=$(back 3 '$SLURM_JOB_ID')
echo "task 3 of 3 puts itself back by SLURM_JOB_ID: back in the queue $last"
first=$(back 1 '$SLURM_JOB_ID')
echo "task 1 of 3 puts itself back by SLURM_JOB_ID: back in the queue $first"
named=$(back 3 '${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID')
echo "task 3 of 3 puts itself back by the array's number and its own: back in the queue $named"
[ "$last" = "1 2 3" ] && [ "$first" = 1 ] && [ "$named" = 3 ] || exit 1
