//! Who the caller is: there is one, whoever signs with the stand-in's key.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    ACCOUNT, caller_arn, caller_id,
    protocol::{Protocol, Query},
    query::{Fields, Xml, parse_form},
    service::{Answer, Call, Operation::Immediate, Operations, Reply, Service},
};

/// Security Token Service, which stores nothing.
pub(crate) struct Sts;

static OPERATIONS: Operations<Sts> =
    Operations(&[("GetCallerIdentity", Immediate(|_, call| get_caller_identity(&call.body)))]);

#[async_trait]
impl Service for Sts {
    fn name(&self) -> &'static str {
        "sts"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query(Query::new("2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/"))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run(&*self, &call).await
    }
}

fn get_caller_identity(form: &[u8]) -> Answer {
    Fields(&parse_form(form)).with_only(&[])?;
    let identity = Xml::default().text("Arn", &caller_arn()).text("UserId", &caller_id()).text("Account", ACCOUNT);
    Ok(Reply::ok(Xml::default().node("GetCallerIdentityResult", identity).finish()))
}
