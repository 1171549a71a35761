//! Whether Amazon Linux 2023 can run a binary, as Lambda's `provided.al2023` and the image of tasks have it.

use std::fmt;

use goblin::elf::{
    Elf,
    header::{EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC},
};
use serde::{Deserialize, Serialize};

/// The glibc of Amazon Linux 2023 (Amazon Linux 2023 user guide, "Core toolchain packages").
const GLIBC: Version = Version(2, 34);
/// What the runtime's image has of the libraries that binaries need.
const LIBRARIES: [&str; 9] = [
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libresolv.so.2",
];

/// What a function runs on, by Lambda's names (Lambda API reference, Architectures).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Architecture {
    /// Intel and AMD.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton.
    #[serde(rename = "arm64")]
    Arm64,
}

impl Architecture {
    /// Lambda's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

/// Why Lambda could not run a binary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Another format.
    #[error("it is {0}; a 64-bit ELF binary is needed")]
    Format(&'static str),
    /// An ELF that makes no sense.
    #[error("it is an unreadable ELF ({0})")]
    Broken(String),
    /// A library, an object file, a core dump.
    #[error("it is an ELF of type {0}, not an executable")]
    NotExecutable(u16),
    /// Lambda has two.
    #[error("it is for machine {0} (ELF e_machine); x86_64 or arm64 is needed")]
    Machine(u16),
    /// A newer one than the runtime's.
    #[error("it needs glibc {needs}; Amazon Linux 2023 has {has}", has = GLIBC)]
    Glibc {
        /// The newest that it names.
        needs: Version,
    },
    /// A library that the runtime lacks, such as musl's loader.
    #[error("it needs {0}, which Amazon Linux 2023 does not have")]
    Library(String),
}

/// Of glibc: major and minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What the binary runs on, when Lambda can run it.
pub(in crate::aws) fn check(code: &[u8]) -> Result<Architecture, Unfit> {
    if let Some(format) = other_format(code) {
        return Err(Unfit::Format(format));
    }
    let elf = Elf::parse(code).map_err(|error| Unfit::Broken(error.to_string()))?;
    if !elf.is_64 || !elf.little_endian {
        return Err(Unfit::Format("an ELF of 32 bits or of the other byte order"));
    }
    if !matches!(elf.header.e_type, ET_EXEC | ET_DYN) {
        return Err(Unfit::NotExecutable(elf.header.e_type));
    }
    let architecture = match elf.header.e_machine {
        EM_X86_64 => Architecture::X86_64,
        EM_AARCH64 => Architecture::Arm64,
        machine => return Err(Unfit::Machine(machine)),
    };
    if let Some(needs) = glibc(&elf).filter(|needs| *needs > GLIBC) {
        return Err(Unfit::Glibc { needs });
    }
    let loader = elf.interpreter.and_then(|path| path.rsplit('/').next());
    let needed = elf.libraries.iter().copied().chain(loader);
    match needed.into_iter().find(|library| !LIBRARIES.contains(library)) {
        Some(library) => Err(Unfit::Library(library.to_owned())),
        None => Ok(architecture),
    }
}

fn other_format(code: &[u8]) -> Option<&'static str> {
    match code {
        [0x7f, b'E', b'L', b'F', ..] => None,
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] => Some("a Mach-O binary of macOS"),
        [0xca, 0xfe, 0xba, 0xbe, ..] => Some("a universal binary of macOS"),
        [b'M', b'Z', ..] => Some("a program of Windows"),
        [b'#', b'!', ..] => Some("a script"),
        [b'P', b'K', ..] => Some("a zip file; name the binary itself"),
        _ => Some("no executable"),
    }
}

/// The newest glibc that the binary's symbols name; none where it is static.
fn glibc(elf: &Elf) -> Option<Version> {
    let files = elf.verneed.iter().flat_map(|section| section.iter());
    let names = files.flat_map(|file| file.iter().map(|version| version.vna_name).collect::<Vec<_>>());
    names.filter_map(|name| version(elf.dynstrtab.get_at(name)?)).max()
}

fn version(name: &str) -> Option<Version> {
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some(Version(numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const X86_64: u16 = EM_X86_64;
    pub(in super::super) const AARCH64: u16 = EM_AARCH64;

    /// An executable that is nothing but a header, for a machine.
    pub(in super::super) fn header(machine: u16) -> Vec<u8> {
        let mut header = vec![0; 64];
        header[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
        header[16..18].copy_from_slice(&ET_DYN.to_le_bytes());
        header[18..20].copy_from_slice(&machine.to_le_bytes());
        header[20] = 1;
        header[52] = 64;
        header
    }

    #[test]
    fn the_architecture_is_the_binarys() {
        assert_eq!(check(&header(X86_64)), Ok(Architecture::X86_64));
        assert_eq!(check(&header(AARCH64)), Ok(Architecture::Arm64));
        assert_eq!(check(&header(243)), Err(Unfit::Machine(243)));
    }

    #[test]
    fn what_is_no_linux_executable_is_told_what_it_is() {
        for (code, format) in [
            (&[0xcf, 0xfa, 0xed, 0xfe, 0x0c][..], "a Mach-O binary of macOS"),
            (b"MZ\x90", "a program of Windows"),
            (b"PK\x03\x04", "a zip file; name the binary itself"),
            (b"", "no executable"),
        ] {
            assert_eq!(check(code), Err(Unfit::Format(format)));
        }
        let mut object = header(X86_64);
        object[16] = 1;
        assert_eq!(check(&object), Err(Unfit::NotExecutable(1)));
        let mut narrow = header(X86_64);
        narrow[4] = 1;
        assert!(check(&narrow).is_err());
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(version("GLIBC_2.34"), Some(Version(2, 34)));
        assert_eq!(version("GLIBC_2.2.5"), Some(Version(2, 2)));
        assert_eq!(version("GLIBC_PRIVATE"), None);
        assert!(version("GLIBC_2.9") < version("GLIBC_2.34"));
    }
}
