//! Addresses as text, without writing the same one anew for each request.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

/// Each thread remembers so many addresses, the last ones: those of a gateway,
/// or of the connections that it serves.
const REMEMBERED: usize = 16;

thread_local! {
    static ADDRESSES: RefCell<[Option<(IpAddr, Arc<str>)>; REMEMBERED]> =
        const { RefCell::new([const { None }; REMEMBERED]) };
}

/// The address as text.
pub(crate) fn text(address: IpAddr) -> Arc<str> {
    let remembered = ADDRESSES.try_with(|addresses| {
        let mut addresses = addresses.try_borrow_mut().ok()?;
        let place = addresses.get_mut(place(address))?;
        match place {
            Some((known, text)) if *known == address => Some(text.clone()),
            _ => {
                let text = written(address);
                *place = Some((address, text.clone()));
                Some(text)
            }
        }
    });
    // A thread that is ending remembers nothing.
    remembered
        .ok()
        .flatten()
        .unwrap_or_else(|| written(address))
}

fn written(address: IpAddr) -> Arc<str> {
    Arc::from(address.to_string())
}

fn place(address: IpAddr) -> usize {
    let bits = match address {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => (address.to_bits() ^ (address.to_bits() >> 64)) as u64,
    };
    (bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60) as usize % REMEMBERED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_text() {
        let addresses: Vec<IpAddr> = (0..200_u32)
            .flat_map(|n| {
                [
                    IpAddr::V4(n.wrapping_mul(77_777_777).into()),
                    IpAddr::V6(u128::from(n).into()),
                ]
            })
            .collect();
        for address in addresses.iter().chain(&addresses) {
            assert_eq!(*text(*address), address.to_string());
            assert_eq!(*text(*address), address.to_string());
        }
    }
}
