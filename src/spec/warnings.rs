//! What is allowed in a stack file, and will not do what its author expects.

use super::{
    capacity::{HEADROOM, SHARD_BYTES, SHARD_RECORDS, shards, shards_for},
    check::schedule::path_of_peak,
    partition_key::PartitionKey,
    sending::Aggregation,
    skew::Skew,
    stack::{Stack, StreamMode},
    tree::{Found, Node},
};

/// Every warning about a valid stack, at the place where it is written.
pub(super) fn of(stack: &Stack, root: &Node) -> Vec<Found> {
    let mut warnings = capacity(stack, root);
    warnings.extend(sending(stack, root));
    warnings
}

/// A load that the stream cannot take.
fn capacity(stack: &Stack, root: &Node) -> Vec<Found> {
    let Some(rate) = stack.load.schedule.peak() else { return Vec::new() };
    let stream = match stack.stream.mode {
        StreamMode::Provisioned { shards: 1 } => "1 shard".to_owned(),
        StreamMode::Provisioned { shards } => format!("{shards} shards"),
        StreamMode::OnDemand => "a new on-demand stream".to_owned(),
    };
    let skew = Skew::of(&stack.load.partition_key, shards(stack)).filter(|skew| skew.is_uneven());
    let shards = skew.map_or(f64::from(shards(stack)), Skew::usable_shards);
    let stream = skew.map_or(stream, |skew| {
        format!("a stream whose hottest shard gets {:.0} % of the documents", skew.hottest() * 100.0)
    });
    let mean = stack.load.workload.mean_bytes().unwrap_or(0.0);
    let (offered, taken) = (rate * mean, shards * SHARD_BYTES);
    let path = path_of_peak(root, &stack.load.schedule);
    let span = root.nearest(&path);
    let enough = match skew {
        Some(_) => "a lower rate, or less for one key: more shards do not split it".to_owned(),
        None => format!("at least {} shards, or a lower rate", shards_for(rate, mean)),
    };
    let mut found = Vec::new();
    if offered > taken * HEADROOM {
        let (percent, offered, taken) = (100.0 * offered / taken, offered / 1e6, taken / 1e6);
        let problem = format!(
            "{rate}/s of {mean} bytes each are {offered:.1} MB/s, {percent:.0} % of the {taken:.1} MB/s that {stream} can take"
        );
        found.push(span.problem(&path, problem).expected(enough.as_str()));
    }
    // Of documents whose length is not known nobody knows how many share a record.
    let together = stack.load.sending.aggregation.documents_per_record(mean);
    let records = rate / together;
    if records > shards * SHARD_RECORDS {
        let problem = format!(
            "{records:.0} records a second are more than the {:.0} that {stream} can take",
            shards * SHARD_RECORDS
        );
        found.push(span.problem(&path, problem).expected(enough));
    }
    found
}

/// Settings without effect.
fn sending(stack: &Stack, root: &Node) -> Vec<Found> {
    let sending = stack.load.sending;
    let mut found = Vec::new();
    if let (Aggregation::On { max_bytes }, Some(mean)) = (sending.aggregation, stack.load.workload.mean_bytes())
        && sending.aggregation.documents_per_record(mean) < 2.0
    {
        let path = "load.aggregation";
        let problem = format!("no two documents of {mean} bytes fit into a record of {max_bytes}, so each goes alone");
        let enough = (2.0 * mean / 1024.0).ceil() + 1.0;
        let expected = format!("at least `{{max_size: {enough}KiB}}`, or `off`");
        found.push(root.nearest(path).problem(path, problem).expected(expected));
    }
    if sending.ordered && matches!(stack.load.partition_key, PartitionKey::Uniform | PartitionKey::Hot(_)) {
        let path = "load.ordered";
        let problem = "only documents of one shard keep their order, and `uniform` or `hot` keys spread most of them";
        let expected = "`partition_key: ticket`, or `key` for documents of your own";
        found.push(root.nearest(path).problem(path, problem).expected(expected));
    }
    found
}
