#!/usr/bin/env bash
# Library: Slurm 22.05.8 (Debian 12), one node
# Guess: `sbatch --dependency=afterok:JOB` starts when JOB has succeeded, never when it failed, and is refused when Slurm does
#   not know JOB.
# Behaviour: Finished jobs are forgotten, after `MinJobAge`, 300 seconds unless it is set. A dependency on a job that was
#   forgotten counts as met, whatever it is and however the job ended: what merges or reports the results of a failed job
#   is started if it is submitted five minutes later. `afternotok` is met too. The same with a number that no job has
#   ever had, such as a mistyped one. Nothing is said, and sbatch ends with status 0.
# Seen: 2026-11-28:
#   slurm-wlm 22.05.8
#   job ended with status 1; submitted at once: afterok DependencyNeverSatisfied, afternotok ran
#   submitted when it is forgotten: afterok ran, afternotok ran
#   on a job that never was: afterok ran, afternotok ran
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
echo "MinJobAge=2" >>slurm.conf  # so as not to wait for five minutes
head -c 1024 /dev/urandom >munge.key && chmod 400 munge.key
munged --force --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munged.pid" \
  --log-file="$work/munged.log" --seed-file="$work/munged.seed" 2>/dev/null && slurmctld -i 2>/dev/null && slurmd ||
  { echo "Slurm does not start" >&2; exit 2; }
for _ in {1..100}; do sinfo -h -o %T 2>/dev/null | grep -q idle && break; sleep 0.2; done
sinfo -h -o %T | grep -q idle || { echo "Slurm does not start" >&2; exit 2; }
sinfo --version

outcome() {  # kind, job
  local job
  rm -f answer
  job=$(sbatch --parsable --output="$work/answer" --dependency="$1:$2" --wrap 'echo ran') || { echo refused; return; }
  for _ in {1..30}; do
    grep -s . answer && return
    squeue -h -j "$job" -o %r 2>/dev/null | grep DependencyNever && return
    sleep 0.2
  done
  echo waits
}
both() { echo "afterok $(outcome afterok "$1"), afternotok $(outcome afternotok "$1")"; }
failed=$(sbatch --parsable --output=/dev/null --wrap 'exit 1') || exit 2
for _ in {1..100}; do scontrol show job "$failed" | grep -q JobState=FAILED && break; sleep 0.1; done
known=$(both "$failed")
echo "job ended with status 1; submitted at once: $known"
# The job that waits for ever would keep the failed one known.
scancel --state=PENDING --user="$(id -un)"
for _ in {1..100}; do scontrol show job "$failed" >/dev/null 2>&1 || break; sleep 1; done
forgotten=$(both "$failed")
echo "submitted when it is forgotten: $forgotten"
never=$(both 99999)
echo "on a job that never was: $never"
[ "$known" = "afterok DependencyNeverSatisfied, afternotok ran" ] &&
  [ "$forgotten" = "afterok ran, afternotok ran" ] && [ "$never" = "$forgotten" ] || exit 1
