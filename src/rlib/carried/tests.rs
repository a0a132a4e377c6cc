use super::*;

#[test]
fn names_of_instances_end_with_a_crate() {
    let instance = [
        "INvCs1_4base5shownhECs2a_4user",
        "INvC4base5shownhEC6middle",
        "INvCs1_4base1fhECs2Cs_2_3a",
        "INvCs1_4base5boxedAtj1_EB2_",
    ];
    let pinned = ["NvCs1_4base6double", "NvC4base3fooC", "NvXCs1_4baseNtB2_7CounterNtB2_5Named4name", "", "NvC4base2_3a"];
    assert_eq!(instance.map(instantiating_crate), [true; 4]);
    assert_eq!(pinned.map(instantiating_crate), [false; 5]);
}

#[test]
fn legacy_names_have_a_path_and_a_hash() {
    assert_eq!(legacy_path("_ZN4base5shown17h0123456789abcdefE"), Some("4base5shown"));
    assert_eq!(legacy_path("_ZN4base5shown17h0123456789abcdefE.llvm.7"), Some("4base5shown"));
    assert_eq!(legacy_path("_ZN4base17h0123456789abcd17h0123456789abcdefE"), Some("4base17h0123456789abcd"));
    assert_eq!(legacy_path("_ZN4base5shownE"), None);
    assert_eq!(legacy_path("printf"), None);
    assert!(names_crate("4base5shown", "base") && names_crate("59_$LT$base..A$u20$as$u20$other..B$GT$1f", "base"));
    assert!(!names_crate("5alloc3vec", "base") && !names_crate("24_$LT$database..A$GT$1f", "base"));
}

#[test]
fn sections_that_do_something_by_themselves_are_known() {
    let carried =
        [".text", ".text.f", ".rodata..L1", ".data.rel.ro", ".bss.x", ".tdata", ".tbss.x", ".eh_frame", ".gcc_except_table.f"];
    let others =
        [".init_array", ".init_array.5", ".fini_array", ".ctors", "registered", ".textual", ".note.x", ".preinit_array", ""];
    assert!(carried.into_iter().all(is_carried));
    assert!(!others.into_iter().any(is_carried));
}

#[test]
fn what_is_no_elf_object_can_not_be_told() {
    let object = |data: &'static [u8]| [Object { name: "a.rcgu.o".into(), data: data.into() }];
    let reason = carried(&object(b"\xcf\xfa\xed\xfe\x07"), &[], None).unwrap_err();
    assert_eq!(reason, "a.rcgu.o is no ELF object");
    assert!(carried(&object(b"\x7fELF\x02\x01"), &[], None).unwrap_err().starts_with("a.rcgu.o can't be read: "));
    assert!(carried(&[], &[], None).unwrap().is_empty());
}
