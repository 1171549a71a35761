//! Large buffers that are used again. The system gives memory page by page, and a first touch of 8 KiB costs more than to copy
//! them there; so what one request has touched, the next one takes.

use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

/// Smaller ones come from the allocator and go back to it.
const SMALLEST: usize = 64 << 10;
/// Bytes that may lie ready for use; what comes back beyond them goes to the allocator.
const READY: usize = 64 << 20;

static SHELF: Mutex<Shelf> = Mutex::new(Shelf { buffers: Vec::new(), bytes: 0 });

/// Bytes whose memory is used again after them.
#[derive(Debug, Default)]
pub(crate) struct Buffer(Vec<u8>);

/// The buffers that lie ready, the latest used last.
struct Shelf {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl Buffer {
    /// An empty one with room for so many bytes; it grows as any vector does.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        if bytes < SMALLEST {
            return Self(Vec::with_capacity(bytes));
        }
        let room = bytes.next_power_of_two();
        Self(shelf().take(room).unwrap_or_else(|| Vec::with_capacity(room)))
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Buffer> for Bytes {
    fn from(mut buffer: Buffer) -> Self {
        if buffer.capacity() < SMALLEST { mem::take(&mut buffer.0).into() } else { Self::from_owner(buffer) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.capacity() >= SMALLEST {
            shelf().put(mem::take(&mut self.0));
        }
    }
}

impl Shelf {
    /// One with so much room, and less than twice as much.
    fn take(&mut self, room: usize) -> Option<Vec<u8>> {
        let fits = |buffer: &Vec<u8>| (room..2 * room).contains(&buffer.capacity());
        let buffer = self.buffers.remove(self.buffers.iter().rposition(fits)?);
        self.bytes -= buffer.capacity();
        Some(buffer)
    }

    fn put(&mut self, mut buffer: Vec<u8>) {
        if self.bytes + buffer.capacity() <= READY {
            buffer.clear();
            self.bytes += buffer.capacity();
            self.buffers.push(buffer);
        }
    }
}

fn shelf() -> MutexGuard<'static, Shelf> {
    SHELF.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_buffer_is_used_again() {
        let mut shelf = Shelf { buffers: Vec::new(), bytes: 0 };
        let first = vec![7; 1 << 20];
        let address = first.as_ptr();
        shelf.put(first);
        assert!(shelf.take(1 << 19).is_none() && shelf.take(1 << 21).is_none(), "of another size");
        let again = shelf.take(1 << 20).expect("it lies ready");
        assert_eq!((again.as_ptr(), again.len()), (address, 0));
        assert!(shelf.take(1 << 20).is_none() && shelf.bytes == 0);
    }

    #[test]
    fn no_more_lies_ready_than_may() {
        let mut shelf = Shelf { buffers: Vec::new(), bytes: 0 };
        (0..100).for_each(|_| shelf.put(Vec::with_capacity(1 << 20)));
        assert_eq!((shelf.buffers.len(), shelf.bytes), (READY >> 20, READY));
    }

    #[test]
    fn bytes_are_what_was_written_and_outlive_other_buffers() {
        for length in [0, 10, SMALLEST - 1, SMALLEST, 3 * SMALLEST] {
            let mut buffer = Buffer::with_capacity(length / 2);
            buffer.extend((0..length).map(|i| i as u8));
            let bytes = Bytes::from(buffer);
            let mut other = Buffer::with_capacity(length);
            other.resize(length, 0xff);
            assert!(bytes.iter().copied().eq((0..length).map(|i| i as u8)), "{length}");
        }
    }
}
