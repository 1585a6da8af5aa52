#!/usr/bin/env bash
# Library: Slurm 22.05.8 (Debian 12), one node
# Guess: A job that `scancel` has ended stays ended. A script that catches SIGTERM and puts itself back into the queue, as scripts
#   do whose time is nearly over, is refused where it is not the time but its owner who ends it.
# Behaviour: `scontrol requeue` is taken, and ends with 0: the cancelled job is back in the queue two minutes later, as often as
#   it is cancelled. While it does so Slurm says of the job that it is COMPLETING; of one that the warning of
#   `--signal` reaches before its time is over, RUNNING, by which a script can tell the two apart.
# Seen: 2026-11-28:
#   slurm-wlm 22.05.8
#   cancelled: state COMPLETING, scontrol requeue ends with 0, then PENDING BeginTime
#   warned: state RUNNING
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
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName=$node NodeAddr=127.0.0.1
PartitionName=all Nodes=$node Default=YES
CONF
head -c 1024 /dev/urandom >munge.key && chmod 400 munge.key
munged --force --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munged.pid" \
  --log-file="$work/munged.log" --seed-file="$work/munged.seed" 2>/dev/null && slurmctld -i 2>/dev/null && slurmd ||
  { echo "Slurm does not start" >&2; exit 2; }
for _ in {1..100}; do sinfo -h -o %T 2>/dev/null | grep -q idle && break; sleep 0.2; done
sinfo -h -o %T | grep -q idle || { echo "Slurm does not start" >&2; exit 2; }
sinfo --version


cat >job.sh <<'JOB'
#!/bin/bash
#SBATCH --requeue --open-mode=append --output=/dev/null
told() {
  echo "state $(squeue -h -j "$SLURM_JOB_ID" -o %T)" >"$ANSWER"
  scontrol requeue "$SLURM_JOB_ID"
  echo "ends with $?" >>"$ANSWER"
}
trap told TERM
touch "$ANSWER.runs"
for _ in {1..300}; do sleep 0.2 & wait $!; [ ! -s "$ANSWER" ] || exit 75; done
JOB
starts() {  # name
  job=$(ANSWER=$work/$1 sbatch --parsable job.sh) || exit 2
  for _ in {1..150}; do [ -e "$1.runs" ] && return; sleep 0.2; done
  exit 2
}
starts cancelled
scancel "$job"
for _ in {1..100}; do squeue -h -j "$job" -o %T | grep -q PENDING && break; sleep 0.2; done
after=$(squeue -h -j "$job" -o '%T %r')
scancel "$job"
cancelled="$(head -n 1 cancelled), scontrol requeue $(tail -n 1 cancelled), then $after"
echo "cancelled: $cancelled"
starts warned
scancel --batch --signal=TERM "$job"
for _ in {1..100}; do [ -s warned ] && break; sleep 0.2; done
warned=$(head -n 1 warned)
echo "warned: $warned"
scancel "$job"
[ "$cancelled" = "state COMPLETING, scontrol requeue ends with 0, then PENDING BeginTime" ] &&
  [ "$warned" = "state RUNNING" ] || exit 1
