//! Carried objects: what an older version of an rlib supplies to one that keeps the older one's metadata.
//!
//! At opt-level 0 and 1 a library exports its generic instances (`-Zshare-generics`), and dependents refer to them. A new version of the library may no
//! longer have some of them: they are *lost*. Each older object that defines a lost symbol is added, with all its other global definitions turned into
//! undefined references: it supplies what is lost and takes everything else from the new objects. Whether that is possible is decided from the
//! objects alone; where it isn't, the answer is a reason, and the new version needs metadata of its own.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader, Sym};

/// An object of an rlib: its member's name and its bytes.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    /// The member's name.
    pub name: String,
    /// An object file.
    pub data: Cow<'a, [u8]>,
}

/// The older objects that have to be added to the newer ones, edited, each with a name that no newer object has. An error says why dependents of the
/// older version can't be linked with the newer one.
///
/// `crate_name` is the crate's, if it is known: of its own symbols none may be lost but generic instances.
pub fn carried(older: &[Object<'_>], newer: &[Object<'_>], crate_name: Option<&str>) -> Result<Vec<Object<'static>>, String> {
    let newer_parsed = newer.iter().map(Parsed::of).collect::<Result<Vec<_>, _>>()?;
    let defined: HashSet<&[u8]> = newer_parsed.iter().flat_map(Parsed::defined).map(|symbol| symbol.name).collect();
    let older_parsed = older.iter().map(Parsed::of).collect::<Result<Vec<_>, _>>()?;
    let mut lost: HashMap<&[u8], usize> = HashMap::new();
    let mut wanted: Vec<usize> = Vec::new();
    let mut pinned = Pinned { crate_name, defined: &defined, paths: None };
    for (index, parsed) in older_parsed.iter().enumerate() {
        for symbol in parsed.defined().filter(|symbol| !defined.contains(symbol.name)) {
            if symbol.is_weak && !symbol.is_exported {
                // Each object has its own, such as `DW.ref.rust_eh_personality`.
                continue;
            }
            lost.entry(symbol.name).or_insert(index);
            if symbol.is_exported {
                pinned.refuse(symbol)?;
                wanted.push(index);
            }
        }
    }
    // What they refer to may be lost itself, and hidden.
    let mut carried: Vec<usize> = Vec::new();
    while let Some(index) = wanted.pop() {
        if !carried.contains(&index) {
            carried.push(index);
            wanted.extend(older_parsed[index].symbols.iter().filter_map(|symbol| lost.get(symbol.name)));
        }
    }
    carried.sort_unstable();
    let edited = |index: usize| {
        let (object, parsed) = (&older[index], &older_parsed[index]);
        if let Some(reason) = &parsed.refused {
            return Err(format!("{} can't be carried over: {reason}", object.name));
        }
        let mut name = format!("carried-{}", object.name);
        while newer.iter().any(|newer| newer.name == name) {
            name.insert_str(0, "carried-");
        }
        Ok(Object { name, data: parsed.without_all_but(&lost, &object.data).into() })
    };
    carried.into_iter().map(edited).collect()
}

/// Symbols that can't be lost.
///
/// A reachable function or static that is not generic is part of the interface. If one is lost, its name has changed, by something that nobody compared.
/// Names by v0 tell: those of generic instances end with the crate that has instantiated them (`rustc_symbol_mangling::compute_symbol_name`). Names by
/// `legacy` end in a hash, and the same path with another hash is either another instance or another name of the same thing: of the crate's own
/// paths, that is not believed.
struct Pinned<'a> {
    crate_name: Option<&'a str>,
    defined: &'a HashSet<&'a [u8]>,
    /// The paths of all names by `legacy` in the newer objects, once they are needed.
    paths: Option<HashSet<&'a str>>,
}

impl Pinned<'_> {
    fn refuse(&mut self, lost: &Symbol<'_>) -> Result<(), String> {
        let name = std::str::from_utf8(lost.name).unwrap_or_default();
        let is_instance = match (name.strip_prefix("_R"), legacy_path(name)) {
            (Some(v0), _) => instantiating_crate(v0.split('.').next().unwrap_or_default()),
            (None, Some(path)) => {
                let is_own = self.crate_name.is_none_or(|crate_name| names_crate(path, crate_name));
                let defined = self.defined;
                let all = || defined.iter().filter_map(|name| legacy_path(std::str::from_utf8(name).ok()?)).collect();
                !is_own || !self.paths.get_or_insert_with(all).contains(path)
            }
            // `no_mangle`, `export_name`: these never change by themselves.
            (None, None) => false,
        };
        if is_instance {
            Ok(())
        } else {
            Err(format!("`{}` is gone, and it is no generic instance", String::from_utf8_lossy(lost.name)))
        }
    }
}

/// Whether a name by v0 ends with a crate, such as `Cs1a_4base`, or with a reference to one that came before, such as `B2_`.
fn instantiating_crate(name: &str) -> bool {
    let ends = |name: &str, tag: &str| {
        let number = name.strip_suffix('_').and_then(|name| name.rsplit_once(tag)).map(|(_, number)| number);
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    let is_root = |(before, identifier): (&str, &str)| {
        let root = before.trim_end_matches(|character: char| character.is_ascii_digit());
        // An underscore stands between a length and an identifier that begins like one.
        let identifier = identifier.strip_prefix('_').unwrap_or(identifier);
        before[root.len()..].parse() == Ok(identifier.len()) && (root.ends_with('C') || ends(root, "Cs"))
    };
    ends(name, "B") || (1..name.len()).filter_map(|start| name.split_at_checked(start)).any(is_root)
}

/// A name by `legacy` without its hash: `_ZN4base5shown17h0123456789abcdefE`, and perhaps something behind it (`.llvm.123`).
fn legacy_path(name: &str) -> Option<&str> {
    const HASH: usize = "17h0123456789abcdef".len();
    let path = name.strip_prefix("_ZN")?;
    let mut hashes = path.match_indices("17h").filter(|(at, _)| path.as_bytes().get(at + HASH) == Some(&b'E'));
    path.get(..hashes.next()?.0)
}

/// Whether a path by `legacy` is one of this crate: `base::shown`, or `<base::Type as Trait>::method`.
fn names_crate(path: &str, crate_name: &str) -> bool {
    path.starts_with(&format!("{}{crate_name}", crate_name.len())) || path.contains(&format!("$LT${crate_name}.."))
}

/// A symbol that other objects can see.
struct Symbol<'a> {
    name: &'a [u8],
    is_defined: bool,
    is_weak: bool,
    /// Whether it can be seen from outside of what it is linked into: only to such symbols dependents may refer.
    is_exported: bool,
    /// Where its entry is.
    entry: usize,
    /// Where the number of its section is, if that is too large for the entry.
    large_index: Option<usize>,
}

struct Parsed<'a> {
    is_64: bool,
    symbols: Vec<Symbol<'a>>,
    /// Why it can't be carried over.
    refused: Option<String>,
}

impl<'a> Parsed<'a> {
    fn of(object: &'a Object<'_>) -> Result<Self, String> {
        let data = &*object.data;
        let parsed = match data.get(..5) {
            Some([0x7f, b'E', b'L', b'F', 2]) => Self::read::<FileHeader64<Endianness>>(data, true),
            Some([0x7f, b'E', b'L', b'F', 1]) => Self::read::<FileHeader32<Endianness>>(data, false),
            _ => return Err(format!("{} is no ELF object", object.name)),
        };
        parsed.map_err(|error| format!("{} can't be read: {error}", object.name))
    }

    fn read<Elf: FileHeader<Endian = Endianness>>(data: &'a [u8], is_64: bool) -> object::read::Result<Self> {
        let header = Elf::parse(data)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, data)?;
        let table = sections.symbols(endian, data, elf::SHT_SYMTAB)?;
        let place = |section: object::SectionIndex| {
            let section = sections.section(section).ok()?;
            usize::try_from(section.sh_offset(endian).into()).ok()
        };
        let mut parsed = Self { is_64, symbols: Vec::new(), refused: None };
        for section in sections.iter() {
            let name = String::from_utf8_lossy(sections.section_name(endian, section)?);
            let flags = section.sh_flags(endian);
            let is_loaded = flags.contains(elf::SHF_ALLOC);
            // What is found by its name or runs by itself would be there twice.
            if is_loaded && (!is_carried(&name) || flags.contains(elf::SHF_GNU_RETAIN)) {
                parsed.refused = Some(format!("it has a section {name}"));
            } else if name.starts_with(".llvm") || name.starts_with(".gnu.lto") {
                parsed.refused = Some("it has bitcode".into());
            }
        }
        let first_global = sections.section(table.section()).map_or(0, |section| section.sh_info(endian) as usize);
        for (index, symbol) in table.enumerate().skip(first_global) {
            let name = table.symbol_name(endian, symbol)?;
            let (bind, kind) = (symbol.st_bind(), symbol.st_type());
            let is_defined = !symbol.is_undefined(endian);
            let is_large = symbol.st_shndx(endian) == elf::SHN_XINDEX;
            let is_ordinary = [elf::STB_GLOBAL, elf::STB_WEAK].contains(&bind)
                && kind != elf::STT_GNU_IFUNC
                && (!is_defined || table.symbol_section(endian, symbol, index)?.is_some());
            if !is_ordinary {
                parsed.refused = Some(format!("its symbol {} is special", String::from_utf8_lossy(name)));
            }
            let (Some(entries), large_index) = (place(table.section()), place(table.shndx_section())) else { continue };
            parsed.symbols.push(Symbol {
                name,
                is_defined,
                is_weak: bind == elf::STB_WEAK,
                is_exported: [elf::STV_DEFAULT, elf::STV_PROTECTED].contains(&symbol.st_visibility()),
                entry: entries + index.0 * size_of_val(symbol),
                large_index: large_index.filter(|_| is_large).map(|start| start + index.0 * 4),
            });
        }
        Ok(parsed)
    }

    fn defined(&self) -> impl Iterator<Item = &Symbol<'a>> {
        self.symbols.iter().filter(|symbol| symbol.is_defined)
    }

    /// The object with no global definitions but these. A definition becomes an undefined reference of the same type and visibility: only the section,
    /// value and size of its entry go (System V ABI, "Symbol Table").
    fn without_all_but(&self, kept: &HashMap<&[u8], usize>, data: &[u8]) -> Vec<u8> {
        let mut bytes = data.to_vec();
        let fields = if self.is_64 { [6..8, 8..24] } else { [4..12, 14..16] };
        for symbol in self.defined().filter(|symbol| !symbol.is_weak && !kept.contains_key(symbol.name)) {
            let places = fields.iter().map(|field| symbol.entry + field.start..symbol.entry + field.end);
            for place in places.chain(symbol.large_index.map(|index| index..index + 4)) {
                if let Some(place) = bytes.get_mut(place) {
                    place.fill(0);
                }
            }
        }
        bytes
    }
}

/// Whether a second copy of a section does nothing by itself. Sections whose names are identifiers of C get `__start_` symbols.
fn is_carried(section: &str) -> bool {
    const KINDS: [&str; 8] = ["text", "rodata", "data", "bss", "tdata", "tbss", "eh_frame", "gcc_except_table"];
    let Some(name) = section.strip_prefix('.') else { return false };
    KINDS.contains(&name.split('.').next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
