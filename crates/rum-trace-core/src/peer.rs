//! Addresses as text, without writing the same one anew for each request.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use opentelemetry::StringValue;

use crate::intern;

/// Each thread remembers so many addresses, the last ones: those of a gateway,
/// or of the connections that it serves.
const REMEMBERED: usize = 16;

thread_local! {
    static ADDRESSES: RefCell<[Option<(IpAddr, Text)>; REMEMBERED]> =
        const { RefCell::new([const { None }; REMEMBERED]) };
}

enum Text {
    Kept(&'static str),
    Own(Box<str>),
}

/// The address as text, of which all clones are for the same span: a count that
/// the spans of several requests shared would go back and forth between the
/// request's thread and the one that exports.
pub(crate) fn text(address: IpAddr) -> StringValue {
    let remembered = ADDRESSES.try_with(|addresses| {
        let mut addresses = addresses.try_borrow_mut().ok()?;
        let place = addresses.get_mut(place(address))?;
        match place {
            Some((known, text)) if *known == address => Some(text.value()),
            _ => {
                let text = Text::of(address);
                let value = text.value();
                *place = Some((address, text));
                Some(value)
            }
        }
    });
    // A thread that is ending remembers nothing.
    remembered
        .ok()
        .flatten()
        .unwrap_or_else(|| Text::of(address).value())
}

impl Text {
    /// The first addresses, those of gateways, are kept for good.
    fn of(address: IpAddr) -> Self {
        let text = address.to_string();
        match intern::peer(&text) {
            Some(kept) => Text::Kept(kept),
            None => Text::Own(text.into()),
        }
    }

    fn value(&self) -> StringValue {
        match self {
            Text::Kept(text) => StringValue::from(*text),
            Text::Own(text) => StringValue::from(Arc::<str>::from(&**text)),
        }
    }
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
            assert_eq!(text(*address).as_str(), address.to_string());
            assert_eq!(text(*address).as_str(), address.to_string());
        }
    }
}
