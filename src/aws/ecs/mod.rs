//! ECS: the cluster and the task definition of a stack's workers, and the calls that start and stop them as tasks on Fargate.

pub mod cluster;
mod tags;
pub mod task_definition;
pub mod tasks;
