//! AWS: one file per kind of resource, each a [`Provider`](crate::engine::Provider) with the same methods in the same
//! order, and what holds them together.

pub mod access;
pub mod account;
pub mod bucket;
pub mod clients;
pub mod cost;
pub mod database;
pub mod delivery;
pub mod endpoints;
pub(crate) mod failure;
pub mod function;
pub mod inventory;
pub mod item_table;
pub mod items;
pub mod kind;
pub mod kinds;
pub mod log_group;
pub mod mapping;
pub mod ownership;
pub mod mirror;
pub(crate) mod moment;
pub mod names;
pub mod object;
mod pace;
pub mod packaging;
pub mod partitions;
pub mod permission;
pub mod preflight;
pub(crate) mod prices;
pub mod query;
mod rates;
pub mod redshift;
mod retry;
mod retrying;
pub mod role;
pub mod schedule;
pub mod shards;
pub mod stream;
pub mod table;
mod tags;
pub mod told;
pub mod workgroup;

pub use clients::{Caller, Clients, Where};
pub use names::Names;
