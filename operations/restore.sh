#!/usr/bin/env bash
# Puts tables of a deployed stack back to what they held at an earlier moment, under the names that the stack knows them by.
# docs/restore.md tells when to do that, and what is to be done afterwards.
#
#   operations/restore.sh STACK MOMENT [TABLE ...]
#   operations/restore.sh STACK last TABLE ...    brings tables back that are gone, as they were last
#   operations/restore.sh STACK start             lets a stack go on that was stopped for this
#
# MOMENT is a time of the last 35 days in UTC, such as 2026-11-26T04:00:00Z, and TABLE a table's logical name in
# template.yaml; without any, it is the four that belong together. What is gone has no earlier moments, but a backup that AWS
# made when it was deleted. It asks before it stops the stack. Started anew with the same words after it was cut off, it goes
# on where it stood.
#
# Environment: as the AWS CLI.
set -euo pipefail
# What fails inside of $(…) ends the script, too (bash 4.4).
shopt -s inherit_errexit
export AWS_PAGER="" AWS_DEFAULT_OUTPUT=text

usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
say() { echo "$(date -u +%H:%M:%S)  $*"; }
refuse() { echo "$*" >&2; exit 1; }

[ $# -ge 2 ] || usage
stack="$1" moment="$2"
shift 2
tables=("$@")
if [ ${#tables[@]} -eq 0 ]; then
  [ "$moment" != last ] || usage
  tables=(OrdersTable StockTable MovementsTable SimulatedLedgerTable)
fi
[[ "$moment" =~ ^(start|last|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)$ ]] || usage

# The stack: logical name, physical name, type.
resources="$(aws cloudformation list-stack-resources --stack-name "$stack" \
  --query 'StackResourceSummaries[].[LogicalResourceId,PhysicalResourceId,ResourceType]')"
physical() { awk -v name="$1" '$1 == name { print $2; found = 1 } END { exit !found }' <<< "$resources"; }
functions() { awk '$3 == "AWS::Lambda::Function" { print $2 }' <<< "$resources"; }
schedules() { awk '$1 ~ /Every/ && $3 == "AWS::Events::Rule" { print $2 }' <<< "$resources"; }
parameter() {
  aws cloudformation describe-stacks --stack-name "$stack" \
    --query "Stacks[0].Parameters[?ParameterKey=='$1'].ParameterValue"
}

# Prints the status of a table, and MISSING of one that is not there.
status_of() {
  local said
  if said="$(aws dynamodb describe-table --table-name "$1" --query Table.TableStatus 2>&1)"; then
    echo "$said"
  elif [[ "$said" == *ResourceNotFoundException* ]]; then
    echo MISSING
  else
    refuse "$said"
  fi
}

# Waits as long as it takes: AWS needs some twenty minutes for a restore, and more for a large table.
await() {
  local status
  status="$(status_of "$1")"
  while [ "$status" != "$2" ]; do
    sleep 10
    status="$(status_of "$1")"
  done
}

# For some minutes after a table was made, AWS is still turning its backups on.
once_backups_are_on() {
  local said attempt
  for attempt in $(seq 60); do
    if said="$("$@" 2>&1)"; then return; fi
    [[ "$said" == *ContinuousBackupsUnavailable* ]] || break
    sleep 10
  done
  refuse "$said (after $attempt attempts)"
}

copy_of() { echo "$1-$(tr -cd '[:alnum:]' <<< "$moment")"; }

# Prints the ARN of the backup that a table is to come from, if there is one: that of its copy, or the last one that AWS made
# when the table was deleted.
backup_of() {
  local of=(--table-name "$(copy_of "$1")") arn
  [ "$moment" != last ] || of=(--table-name "$1" --backup-type SYSTEM)
  arn="$(aws dynamodb list-backups "${of[@]}" --query 'sort_by(BackupSummaries, &BackupCreationDateTime)[-1].BackupArn')"
  if [[ "$arn" == arn:* ]]; then echo "$arn"; fi
}

# Prints "back" of a table that has come from this backup, and "old" of another.
age_of() {
  local from
  from="$(aws dynamodb describe-table --table-name "$1" --query Table.RestoreSummary.SourceBackupArn)"
  if [ "$from" = "$2" ]; then echo back; else echo old; fi
}

await_backup() {
  local status=CREATING
  while [ "$status" = CREATING ]; do
    status="$(aws dynamodb describe-backup --backup-arn "$1" --query BackupDescription.BackupDetails.BackupStatus)"
    if [ "$status" = CREATING ]; then sleep 5; fi
  done
  [ "$status" = AVAILABLE ] || refuse "The backup $1 is $status."
}

stop() {
  say "No invocations and no schedules from now on."
  functions | xargs -P 8 -I '{}' aws lambda put-function-concurrency --function-name '{}' \
    --reserved-concurrent-executions 0 > /dev/null
  for rule in $(schedules); do aws events disable-rule --name "$rule"; done
}

start() {
  local api concurrency
  functions | xargs -P 8 -I '{}' aws lambda delete-function-concurrency --function-name '{}'
  concurrency="$(parameter ApiConcurrency)"
  if [[ "$concurrency" =~ ^[1-9][0-9]*$ ]]; then
    api="$(physical ApiFunction)"
    aws lambda put-function-concurrency --function-name "$api" \
      --reserved-concurrent-executions "$concurrency" > /dev/null
  fi
  for rule in $(schedules); do aws events enable-rule --name "$rule"; done
  say "The stack goes on."
}

if [ "$moment" = start ]; then
  start
  exit
fi

names=()
for table in "${tables[@]}"; do
  name="$(physical "$table")" || refuse "The stack $stack has no $table."
  names+=("$name")
done

# While the stack goes on: a copy of each table as it was then. A moment that AWS doesn't know ends it here.
if [ "$moment" != last ]; then
  for name in "${names[@]}"; do
    copied="$(status_of "$(copy_of "$name")")"
    if [ "$copied" = MISSING ]; then
      say "$name as it was at that moment becomes $(copy_of "$name")."
      aws dynamodb restore-table-to-point-in-time --source-table-name "$name" \
        --target-table-name "$(copy_of "$name")" --restore-date-time "$moment" > /dev/null
    fi
  done
  # A table takes a name only when it is made, so each copy goes by way of a backup.
  for name in "${names[@]}"; do
    await "$(copy_of "$name")" ACTIVE
    backup="$(backup_of "$name")"
    if [ -z "$backup" ]; then
      once_backups_are_on aws dynamodb create-backup --table-name "$(copy_of "$name")" --backup-name "$(copy_of "$name")"
    fi
  done
fi
declare -A backups
for name in "${names[@]}"; do
  backup="$(backup_of "$name")"
  [ -n "$backup" ] || refuse "There is no backup that $name can come from."
  await_backup "$backup"
  backups["$name"]="$backup"
  status="$(status_of "$name")"
  if [ "$moment" = last ] && [ "$status" = ACTIVE ]; then
    age="$(age_of "$name" "$backup")"
    [ "$age" = back ] || refuse "$name is not gone. Name the moment that it is to be put back to."
  fi
  say "$name can come back from $backup."
done

cat << TEXT
Look at these backups and what they were made of. What comes next stops the stack $stack, and replaces these tables:
$(printf '  %s\n' "${names[@]}")
What was written to them since is gone then, and they can't be put back to another moment: of each table, AWS keeps a backup
of its last state alone, for 35 days.
TEXT
read -r -p "The stack's name again, to go on: " answer
[ "$answer" = "$stack" ] || refuse "Nothing was changed."

trap 'echo "The stack $stack stands still. Run the same words again, or: operations/restore.sh $stack start" >&2' EXIT
stop
for name in "${names[@]}"; do
  status="$(status_of "$name")" age=""
  [ "$status" != ACTIVE ] || age="$(age_of "$name" "${backups[$name]}")"
  if [ "$age" = old ]; then
    say "$name goes, and comes back from ${backups[$name]}."
    aws dynamodb update-table --table-name "$name" --no-deletion-protection-enabled > /dev/null
    await "$name" ACTIVE
    aws dynamodb delete-table --table-name "$name" > /dev/null
  fi
done
for name in "${names[@]}"; do
  status="$(status_of "$name")"
  if [ "$status" = DELETING ]; then
    await "$name" MISSING
    status=MISSING
  fi
  if [ "$status" = MISSING ]; then
    aws dynamodb restore-table-from-backup --backup-arn "${backups[$name]}" --target-table-name "$name" > /dev/null
  fi
done

# What a restored table doesn't bring along (Amazon DynamoDB Developer Guide, "Restoring a table"); none has a time to live.
protection=--no-deletion-protection-enabled
[ "$(parameter DeletionProtection)" != true ] || protection=--deletion-protection-enabled
for name in "${names[@]}"; do
  await "$name" ACTIVE
  once_backups_are_on aws dynamodb update-continuous-backups --table-name "$name" \
    --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true
  aws dynamodb update-table --table-name "$name" "$protection" > /dev/null
done
trap - EXIT
start
say "Go on with what docs/restore.md says is left to do, and delete the copies and their backups in the end."
