#!/usr/bin/env bash
# Library: Slurm 22.05.8 (Debian 12), one node
# Guess: `sbatch --wait`, which ends with the status of the job, does not end with status 0 when the job was never started:
#   when it is cancelled in the queue, or because a job that it needs has failed. Dependencies (`afterok`) count such jobs
#   as failed.
# Behaviour: It ends with status 0. So does it for an array of which one task ran and three were cancelled in the queue,
#   while `afterok` on that array is never met. A script that waits for its shards and then merges them goes on, with
#   a quarter of them or none. Cancelled while it runs, a job has status 1, and `srun` has 1 in both cases.
# Seen: 2026-11-28:
#   slurm-wlm 22.05.8
#   status of sbatch --wait:
#     job that fails with 3: 3, cancelled while it runs: 1, cancelled in the queue: 0 (of srun: 1)
#     job that needs one that failed, with --kill-on-invalid-dep=yes: 0
#     array of 4 tasks, 1 done and 3 cancelled in the queue: 0, and afterok on it: DependencyNeverSatisfied
#   jobs that wrote an answer: 1 of 6 that ended with 0
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

wait_for() { timeout 60 "$@" >/dev/null 2>&1; echo $?; }
cancel_soon() { for _ in {1..50}; do squeue -h -n "$1" -t "$2" | grep -q . && break; sleep 0.2; done; scancel -n "$1" -t "$2"; }
submit() { wait_for sbatch --wait --output=/dev/null "$@"; }

failing=$(submit --wrap 'exit 3')
cancel_soon running R & running=$(submit -J running --wrap 'sleep 30')
cancel_soon queued PD & queued=$(submit -J queued --begin=now+1hour --wrap 'echo >>answers')
cancel_soon direct PD & direct=$(wait_for srun -J direct --begin=now+1hour true)
echo "status of sbatch --wait:"
echo "  job that fails with 3: $failing, cancelled while it runs: $running, cancelled in the queue: $queued (of srun: $direct)"
failed=$(sbatch --parsable --output=/dev/null --wrap 'exit 1') || exit 2
needing=$(submit --dependency="afterok:$failed" --kill-on-invalid-dep=yes --wrap 'echo >>answers')
echo "  job that needs one that failed, with --kill-on-invalid-dep=yes: $needing"
{ for _ in {1..50}; do [ -s answers ] && break; sleep 0.2; done; scancel -n array -t PD; } &
array=$(submit -J array --array=0-3%1 --wrap 'echo >>answers; sleep 3')
number=$(scontrol -o show job | grep -o 'ArrayJobId=[0-9]*' | tail -n 1 | cut -d= -f2)
next=$(sbatch --parsable --output=/dev/null --dependency="afterok:$number" --wrap true)
for _ in {1..30}; do reason=$(squeue -h -j "$next" -o %r); [ "$reason" = Dependency ] || break; sleep 0.2; done
echo "  array of 4 tasks, 1 done and 3 cancelled in the queue: $array, and afterok on it: $reason"
answers=$(wc -l <answers)
echo "jobs that wrote an answer: $answers of 6 that ended with 0"
[ "$failing $running $queued $direct $needing $array $reason $answers" = "3 1 0 1 0 0 DependencyNeverSatisfied 1" ] || exit 1
