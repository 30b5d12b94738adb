#!/usr/bin/env bash
# Puts tables of a deployed stack back to what they held at an earlier moment, under the names that the stack knows them by.
# docs/restore.md tells when to do that, and what is to be done afterwards.
#
#   operations/restore.sh STACK MOMENT [TABLE ...]
#
# MOMENT is a time of the last 35 days, such as 2026-11-26T04:00:00Z, and TABLE a table's logical name in template.yaml; without
# any, it is the four that belong together. It asks before it begins. Started anew with the same words after it was cut off, it
# goes on where it stood.
#
# Environment: as the AWS CLI.
set -euo pipefail
export AWS_PAGER="" AWS_DEFAULT_OUTPUT=text

[ $# -ge 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
stack="$1" moment="$2"
shift 2
tables=("$@")
[ ${#tables[@]} -gt 0 ] || tables=(OrdersTable StockTable MovementsTable SimulatedLedgerTable)

say() { echo "$(date -u +%H:%M:%S)  $*"; }
resources="$(aws cloudformation list-stack-resources --stack-name "$stack" \
  --query 'StackResourceSummaries[].[LogicalResourceId,PhysicalResourceId,ResourceType]')"
physical() {
  awk -v name="$1" '$1 == name { print $2; found = 1 } END { exit !found }' <<< "$resources"
}
parameter() {
  aws cloudformation describe-stacks --stack-name "$stack" \
    --query "Stacks[0].Parameters[?ParameterKey=='$1'].ParameterValue"
}
schedules() { awk '$1 ~ /Every/ && $3 == "AWS::Events::Rule" { print $2 }' <<< "$resources"; }
exists() { aws dynamodb describe-table --table-name "$1" > /dev/null 2>&1; }
copy_of() { echo "$1-$(tr -cd '[:alnum:]' <<< "$moment")"; }
backup_of() { aws dynamodb list-backups --table-name "$(copy_of "$1")" --query 'BackupSummaries[0].BackupArn'; }
came_from() { aws dynamodb describe-table --table-name "$1" --query Table.RestoreSummary.SourceBackupArn; }
has_backup() { [[ "$(backup_of "$1")" == arn:* ]]; }
is_backed_up() {
  local status
  status="$(aws dynamodb describe-backup --backup-arn "$(backup_of "$1")" \
    --query BackupDescription.BackupDetails.BackupStatus)"
  [ "$status" = AVAILABLE ]
}

# What the API invokes; whatever it writes is what the restored tables would not have.
functions=()
for name in ApiFunction AdminFunction PaymentApiFunction ReceivePaymentEventFunction WarehouseApiFunction; do
  if function="$(physical "$name")"; then functions+=("$function"); fi
done

stop() {
  for function in "${functions[@]}"; do
    aws lambda put-function-concurrency --reserved-concurrent-executions 0 --function-name "$function" > /dev/null
  done
  for rule in $(schedules); do aws events disable-rule --name "$rule"; done
}

start() {
  local concurrency
  for rule in $(schedules); do aws events enable-rule --name "$rule"; done
  for function in "${functions[@]}"; do
    aws lambda delete-function-concurrency --function-name "$function"
  done
  concurrency="$(parameter ApiConcurrency)"
  if [ "${concurrency:-0}" -gt 0 ]; then
    aws lambda put-function-concurrency --reserved-concurrent-executions "$concurrency" \
      --function-name "$(physical ApiFunction)" > /dev/null
  fi
}

names=()
for table in "${tables[@]}"; do
  name="$(physical "$table")" || { echo "The stack $stack has no $table." >&2; exit 1; }
  names+=("$name")
done
echo "The stack $stack stands still while these tables are put back to $moment; what was written to them since is gone:"
printf '  %s\n' "${names[@]}"
read -r -p "The stack's name again, to go on: " answer
[ "$answer" = "$stack" ] || { echo "Nothing was done." >&2; exit 1; }

say "No calls, no schedules. Executions wait and try again by themselves."
stop

for name in "${names[@]}"; do
  if ! exists "$(copy_of "$name")"; then
    say "$name at that moment becomes $(copy_of "$name")."
    aws dynamodb restore-table-to-point-in-time --source-table-name "$name" \
      --target-table-name "$(copy_of "$name")" --restore-date-time "$moment" > /dev/null
  fi
done
for name in "${names[@]}"; do aws dynamodb wait table-exists --table-name "$(copy_of "$name")"; done

# A table takes a name only when it is made, so the copies go by way of a backup each.
for name in "${names[@]}"; do
  if ! has_backup "$name"; then
    aws dynamodb create-backup --table-name "$(copy_of "$name")" --backup-name "$(copy_of "$name")" > /dev/null
  fi
done
for name in "${names[@]}"; do
  until is_backed_up "$name"; do sleep 5; done
done

for name in "${names[@]}"; do
  if exists "$name" && [ "$(came_from "$name")" != "$(backup_of "$name")" ]; then
    say "$name goes. With point-in-time recovery, AWS keeps a backup of its last state for 35 days."
    aws dynamodb update-table --table-name "$name" --no-deletion-protection-enabled > /dev/null
    aws dynamodb wait table-exists --table-name "$name"
    aws dynamodb delete-table --table-name "$name" > /dev/null
  fi
  if ! exists "$name" || [ "$(came_from "$name")" != "$(backup_of "$name")" ]; then
    aws dynamodb wait table-not-exists --table-name "$name"
    say "The copy becomes $name."
    aws dynamodb restore-table-from-backup --backup-arn "$(backup_of "$name")" --target-table-name "$name" > /dev/null
  fi
done

# What a restored table doesn't bring along (Amazon DynamoDB Developer Guide, "Restoring a table").
protection=--no-deletion-protection-enabled
[ "$(parameter DeletionProtection)" != true ] || protection=--deletion-protection-enabled
for name in "${names[@]}"; do
  aws dynamodb wait table-exists --table-name "$name"
  aws dynamodb update-continuous-backups --table-name "$name" \
    --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true > /dev/null
  aws dynamodb update-table --table-name "$name" "$protection" > /dev/null
done

start
say "Done. Look at what docs/restore.md says is left to do; then delete the copies and their backups."
