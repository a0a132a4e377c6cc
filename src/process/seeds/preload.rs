//! The library that is preloaded into rustc: std's `HashMap`s there start from the same seeds each time.
//!
//! `build.rs` compiles it, and hollow carries the result. It is made for no particular C library: what it needs of one is in glibc as well as in
//! musl, and is looked up in the one that the program has.

#![no_std]

use core::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};
use core::ptr;

/// What std asks for the seeds of a thread's `HashMap`s, and nobody else (`library/std/src/sys/random/linux.rs`): 16 bytes, of any quality.
const SEEDS_OF_STD: (usize, c_uint) = (16, GRND_INSECURE);
/// `man 2 getrandom`; only Linux 5.6 and later know it, but that is not asked here.
const GRND_INSECURE: c_uint = 4;

/// The bytes that take the place of the seeds. `hollow doctor` writes others there.
#[used]
static SEEDS: [u8; 16] = *b"hollow's seeds 0";

#[cfg(target_arch = "x86_64")]
const SYS_GETRANDOM: c_long = 318;
/// The number of all newer architectures (`asm-generic/unistd.h`).
#[cfg(any(target_arch = "aarch64", target_arch = "riscv64", target_arch = "loongarch64"))]
const SYS_GETRANDOM: c_long = 278;

unsafe extern "C" {
    static environ: *mut *mut c_char;
    fn syscall(number: c_long, ...) -> c_long;
    fn close(file: c_int) -> c_int;
    fn dl_iterate_phdr(visit: extern "C" fn(*const Object, usize, *mut c_void) -> c_int, data: *mut c_void) -> c_int;
}

/// How `dl_phdr_info` begins.
#[repr(C)]
struct Object {
    address: usize,
    name: *const c_char,
}

/// Takes the place of libc's function. Randomness that anybody else asks for is real: names of temporary files, keys, `uuid`s.
///
/// # Safety
/// There is room for `length` bytes at `buffer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> isize {
    if (length, flags) == SEEDS_OF_STD {
        // SAFETY: the caller has room for that many. Read as volatile, because the bytes may be others in the file.
        unsafe { ptr::write_unaligned(buffer.cast(), ptr::read_volatile(&SEEDS)) };
        return length as isize;
    }
    // SAFETY: this is what libc's own function does with the caller's buffer.
    unsafe { syscall(SYS_GETRANDOM, buffer, length, flags) as isize }
}

#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = restore_environment;

/// Makes rustc's environment what it would be without this library, so that it is for rustc alone: no macro and no linker sees it. What is not rustc but
/// starts it (rustup, a script) keeps it and hands it on.
extern "C" fn restore_environment() {
    // SAFETY: no thread but this one runs before main, so the list of variables can be read and written. It ends with a null pointer.
    unsafe {
        let mut variable = environ;
        if variable.is_null() || dl_iterate_phdr(is_compiler, ptr::null_mut()) == 0 {
            return;
        }
        while let Some(text) = (*variable).as_mut() {
            if let Some((file, rest)) = own(CStr::from_ptr(text).to_bytes()) {
                match rest {
                    // What was there before, called by its name again. The prefix is longer than the name.
                    Some(rest) => {
                        let restored = text as *mut c_char as *mut u8;
                        let restored = restored.add(rest - NAME.len());
                        ptr::copy_nonoverlapping(NAME.as_ptr(), restored, NAME.len());
                        *variable = restored.cast();
                    }
                    None => remove(variable),
                }
                close(file);
                return;
            }
            variable = variable.add(1);
        }
    }
}

const NAME: &[u8] = b"LD_PRELOAD=";
const PREFIX: &[u8] = b"LD_PRELOAD=/proc/self/fd/";

/// The number of the file in `LD_PRELOAD=/proc/self/fd/NUMBER:REST`, and where `REST` begins, if there is one.
fn own(variable: &[u8]) -> Option<(c_int, Option<usize>)> {
    let digits = variable.strip_prefix(PREFIX)?;
    let mut number: c_int = 0;
    for (position, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => number = number.wrapping_mul(10).wrapping_add(c_int::from(byte - b'0')),
            _ => return Some((number, Some(PREFIX.len() + position + 1))),
        }
    }
    Some((number, None))
}

/// # Safety
/// From here on there are only valid pointers, the last of them null.
unsafe fn remove(mut variable: *mut *mut c_char) {
    // SAFETY: nothing is read behind the null pointer.
    unsafe {
        while !(*variable).is_null() {
            *variable = *variable.add(1);
            variable = variable.add(1);
        }
    }
}

/// Whether this process is a rustc, or another program around its driver.
extern "C" fn is_compiler(object: *const Object, _: usize, _: *mut c_void) -> c_int {
    // SAFETY: the dynamic linker passes a valid object with a valid name.
    let name = unsafe { CStr::from_ptr((*object).name) }.to_bytes();
    const DRIVER: &[u8] = b"librustc_driver";
    c_int::from(name.windows(DRIVER.len()).any(|part| part == DRIVER))
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
