//! Where AWS's console shows an execution.

/// The account in the ARNs of the local runtime and of emulators, which have no console.
const NO_ACCOUNT: &str = "000000000000";

/// The address of an execution in the console of the partition that its ARN names (AWS General Reference,
/// "Amazon Resource Names"); `None` where there is no console.
pub(super) fn address_of(execution_arn: &str) -> Option<String> {
    let mut parts = execution_arn.split(':');
    let (_, partition, _, region, account) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let domain = match partition {
        "aws" => "console.aws.amazon.com",
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => return None,
    };
    (account != NO_ACCOUNT).then(|| {
        format!(
            "https://{region}.{domain}/states/home?region={region}#/v2/executions/details/{execution_arn}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployed_execution_has_an_address_in_the_console_of_its_partition_and_a_local_one_has_none() {
        let address = |partition: &str, region: &str, account: &str| {
            address_of(&format!("arn:{partition}:states:{region}:{account}:execution:Orders:ORD-1"))
        };
        let shown = address("aws", "eu-west-1", "123456789012").unwrap();
        assert_eq!(
            shown,
            "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/\
             arn:aws:states:eu-west-1:123456789012:execution:Orders:ORD-1"
        );
        let shown = address("aws-cn", "cn-north-1", "123456789012").unwrap();
        assert!(shown.starts_with("https://cn-north-1.console.amazonaws.cn/states/"), "{shown}");
        assert_eq!(address("aws", "us-east-1", NO_ACCOUNT), None);
        assert_eq!(address("elsewhere", "eu-west-1", "123456789012"), None);
        assert_eq!(address_of("no ARN"), None);
    }
}
