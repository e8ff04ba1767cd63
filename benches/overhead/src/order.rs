//! In which order rows are visited.

/// An order that is another in each round, and the same in each run.
#[derive(Clone, Debug)]
pub struct Order {
    order: Vec<usize>,
    state: u64,
}

impl Order {
    /// Of the numbers below this one.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let order = (0..len).collect();
        let state = 0x9e37_79b9_7f4a_7c15;
        Order { order, state }
    }

    /// The next order.
    pub fn shuffled(&mut self) -> &[usize] {
        for last in (1..self.order.len()).rev() {
            let other = self.next() % (last as u64 + 1);
            self.order.swap(last, other as usize);
        }
        &self.order
    }

    /// Marsaglia's xorshift.
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::Order;

    #[test]
    fn an_order_has_all_and_changes() {
        let mut order = Order::new(20);
        let first = order.shuffled().to_vec();
        let second = order.shuffled().to_vec();
        assert_ne!(first, second);
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }
}
