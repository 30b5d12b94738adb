#!/usr/bin/env bash
# Builds the functions and deploys template.yaml through CloudFormation to an emulator: LocalStack, MiniStack, or
# whatever answers at AWS_ENDPOINT_URL. Run it again after a change; it updates the stack.
#
#   localstack/deploy.sh [Name=Value ...]     parameters of the template
#   localstack/deploy.sh --delete             deletes the stack
#
# Environment: AWS_ENDPOINT_URL (http://127.0.0.1:4566), STACK (omniflow), PROFILE (the cargo profile: function).
set -euo pipefail
cd "$(dirname "$0")/.."

export AWS_ENDPOINT_URL="${AWS_ENDPOINT_URL:-http://127.0.0.1:4566}"
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}"
export AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-test}" AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-test}"
export AWS_PAGER=""
stack="${STACK:-omniflow}" bucket="${STACK:-omniflow}-code" out="target/deploy/${STACK:-omniflow}"

tools="target/deploy/venv"
if [ ! -x "$tools/bin/aws" ]; then
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check -r localstack/requirements.txt
fi
PATH="$PWD/$tools/bin:$PATH"

output() {
  aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}

if [ "${1:-}" = --delete ]; then
  aws cloudformation delete-stack --stack-name "$stack"
  aws cloudformation wait stack-delete-complete --stack-name "$stack"
  aws s3 rb --force "s3://$bucket" > /dev/null
  exit
fi

python localstack/build.py --profile "${PROFILE:-function}" --out "$out"
aws s3 mb "s3://$bucket" > /dev/null 2>&1 || true
aws cloudformation package --template-file "$out/template.yaml" --s3-bucket "$bucket" \
  --output-template-file "$out/packaged.yaml" > /dev/null 2> "$out/package.log" || { cat "$out/package.log" >&2; exit 1; }
# A template of more than 51,200 bytes goes by way of S3 (AWS CloudFormation User Guide, "Quotas").
aws cloudformation deploy --stack-name "$stack" --template-file "$out/packaged.yaml" --s3-bucket "$bucket" \
  --no-fail-on-empty-changeset \
  --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND \
  --parameter-overrides OpenAccess=true OpenAccessIsMeant=true SeedSampleStock=true "$@"
aws lambda invoke --function-name "$(output SeedStockFunctionName)" "$out/seeded.json" > /dev/null

# The host names that emulators give their APIs need a name server of their own; this address needs none.
api="$(output ApiUrl)"
case "$api" in
  *.execute-api.*) id="${api#*//}" && api="$AWS_ENDPOINT_URL/_aws/execute-api/${id%%.*}/\$default" ;;
esac
api="${api%/}"
echo "$api" > "$out/url"
echo "API:   $api"
echo "AWS:   $AWS_ENDPOINT_URL"
echo "Try:   curl -X POST '$api/api/v1/orders' -d '{\"amount\": 500, \"items\": [\"iPhone 15\"]}'"
