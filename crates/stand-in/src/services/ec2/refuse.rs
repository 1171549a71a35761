//! What EC2 refuses, in its words (Amazon EC2 API reference, "Error codes for the Amazon EC2 API").

use super::ServiceError;

pub(super) fn not_covered(member: &str) -> ServiceError {
    ServiceError::client("UnknownParameter", format!("{member} is not supported by the stand-in here"))
}

pub(super) fn missing(parameter: &str) -> ServiceError {
    ServiceError::client("MissingParameter", format!("The request must contain the parameter {parameter}"))
}

pub(super) fn value(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterValue", message)
}

pub(super) fn no_vpc(id: &str) -> ServiceError {
    ServiceError::client("InvalidVpcID.NotFound", format!("The vpc ID '{id}' does not exist"))
}

pub(super) fn no_subnet(id: &str) -> ServiceError {
    ServiceError::client("InvalidSubnetID.NotFound", format!("The subnet ID '{id}' does not exist"))
}

pub(super) fn no_group(id: &str) -> ServiceError {
    ServiceError::client("InvalidGroup.NotFound", format!("The security group '{id}' does not exist"))
}
