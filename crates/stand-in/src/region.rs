//! The stand-in's region by another name. It has one, and every caller sees it as the region that its calls are signed for:
//! what a call says of that region becomes the stand-in's own before a service reads it, and the answer the other way round.

use demo_formats::partition;
use http::request::Parts;

use crate::{
    ACCOUNT, REGION,
    service::{Answer, Call},
    signature::Signature,
};

/// The region that a call is signed for; the stand-in's own where it is not signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region(String);

impl Region {
    /// Reads it from a request's signature.
    pub(crate) fn of(request: &Parts) -> Self {
        let signature = Signature::of(request).ok().flatten();
        Self(signature.map_or_else(|| REGION.to_owned(), |signature| signature.region))
    }

    /// For example `eu-central-1`.
    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// Whether it is the stand-in's own: then nothing goes by another name.
    pub(crate) fn is_own(&self) -> bool {
        self.0 == REGION
    }

    /// The call as the services read it.
    pub(crate) fn enter(&self, mut call: Call) -> Call {
        if self.is_own() {
            return call;
        }
        if let Ok(uri) = replaced(&call.request.uri.to_string(), &self.names()).parse() {
            call.request.uri = uri;
        }
        if let Ok(body) = std::str::from_utf8(&call.body) {
            call.body = replaced(body, &self.names()).into();
        }
        call
    }

    /// The answer as the caller reads it.
    pub(crate) fn leave(&self, answer: Answer) -> Answer {
        if self.is_own() {
            return answer;
        }
        let back = self.names().map(|(theirs, ours)| (ours, theirs));
        match answer {
            Ok(mut reply) => {
                if let Ok(body) = std::str::from_utf8(&reply.body) {
                    reply.body = replaced(body, &back).into();
                }
                Ok(reply)
            }
            Err(mut error) => {
                error.message = replaced(&error.message, &back);
                Err(error)
            }
        }
    }

    /// Of region and partition, as they stand in ARNs: what they are here and there, also percent-encoded.
    fn names(&self) -> [(String, String); 4] {
        let region = |name: &str| format!(":{name}:{ACCOUNT}");
        let partition = |region: &str| format!("arn:{}:", partition::of(region));
        let encoded = |text: String| text.replace(':', "%3A");
        let (theirs, ours) = (self.0.as_str(), REGION);
        [
            (region(theirs), region(ours)),
            (encoded(region(theirs)), encoded(region(ours))),
            (partition(theirs), partition(ours)),
            (encoded(partition(theirs)), encoded(partition(ours))),
        ]
    }
}

fn replaced(text: &str, names: &[(String, String)]) -> String {
    names.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::{service::Reply, service_error::ServiceError};

    fn call(region: &str, uri: &str, body: &str) -> Call {
        let signed =
            format!("AWS4-HMAC-SHA256 Credential=k/20260101/{region}/s/aws4_request, SignedHeaders=a, Signature=0");
        let request = Request::builder().uri(uri).header("authorization", signed).body(()).expect("a request");
        Call { request: request.into_parts().0, ..Call::of("Get", body.to_owned()) }
    }

    #[test]
    fn a_call_enters_with_the_stand_ins_names_and_its_answer_leaves_with_the_callers() {
        for (region, partition) in [("eu-central-1", "aws"), ("cn-north-1", "aws-cn")] {
            let theirs = format!("arn:{partition}:kinesis:{region}:000000000000:stream/s");
            let ours = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
            let encoded = |arn: &str| arn.replace(':', "%3A").replace('/', "%2F");
            let call = call(
                region,
                &format!("/f/{}?x=1", encoded(&theirs)),
                &format!("[\"{theirs}\", \"{}\"]", encoded(&theirs)),
            );
            let region = Region::of(&call.request);
            let entered = region.enter(call);
            assert_eq!(entered.request.uri, format!("/f/{}?x=1", encoded(ours)).as_str());
            assert_eq!(entered.body, format!("[\"{ours}\", \"{}\"]", encoded(ours)));
            let reply = region.leave(Ok(Reply::ok(ours.to_owned()))).expect("a reply");
            assert_eq!(reply.body, theirs);
            let error = region.leave(Err(ServiceError::client("No", format!("{ours} is gone")))).expect_err("an error");
            assert_eq!(error.message, format!("{theirs} is gone"));
        }
    }

    #[test]
    fn what_is_of_the_stand_ins_own_region_or_no_text_stays() {
        let arn = "arn:aws:kinesis:eu-west-1:000000000000:stream/s";
        let own = call(REGION, "/", arn);
        assert_eq!(Region::of(&own.request).enter(own).body, arn);
        let bytes: &[u8] = &[0xff, 0xfe];
        let call = Call { body: bytes.into(), ..call("eu-west-1", "/", "") };
        assert_eq!(Region::of(&call.request).enter(call).body, bytes);
        assert_eq!(Region::of(&Call::of("Get", "").request).name(), REGION);
    }
}
