//! Takes aggregated records apart.

/// What an aggregated record begins with. Source: amazon-kinesis-producer, aggregation-format.md.
pub const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];
const DIGEST_BYTES: usize = 16;

/// Gives `each` the data of every user record, digest and tables unchecked; `None` if the message is cut off.
pub fn user_records<'a>(record: &'a [u8], mut each: impl FnMut(&'a [u8])) -> Option<()> {
    let message = &record[MAGIC.len()..record.len().checked_sub(DIGEST_BYTES)?];
    fields(message, |number, value| {
        if number == 3 {
            fields(value, |number, value| {
                if number == 3 {
                    each(value);
                }
            });
        }
    })
}

/// Whether digest and tables are right; for a sample, as it takes as long as sending does.
pub fn is_right(record: &[u8]) -> bool {
    matches!(kinesis_aggregation::decode(record), Ok(Some(_)))
}

/// The fields of a protobuf message that have a length; numbers are passed over.
fn fields<'a>(message: &'a [u8], mut each: impl FnMut(u64, &'a [u8])) -> Option<()> {
    let mut rest = message;
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        let value = varint(&mut rest)?;
        if tag & 7 == 2 {
            let (field, after) = rest.split_at_checked(usize::try_from(value).ok()?)?;
            each(tag >> 3, field);
            rest = after;
        }
    }
    Some(())
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
