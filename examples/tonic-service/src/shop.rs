//! The service: one call of each kind.

use std::pin::Pin;
use std::sync::Arc;

use rum_trace::RumContext;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::Prices;
use crate::proto::shop_server::Shop;
use crate::proto::{
    Answer, Cart, CartLine, GetItemRequest, Item, Offer, Price, WatchPricesRequest,
};

/// What the shop never goes below.
const LOWEST_CENTS: u32 = 500;

/// An item whose record is broken, to show what a failure looks like.
const BROKEN_ITEM: u32 = 13;

/// The shop behind the generated server.
#[derive(Debug)]
pub(crate) struct ShopService {
    pub(crate) prices: Arc<Prices>,
}

type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Shop for ShopService {
    async fn get_item(&self, request: Request<GetItemRequest>) -> Result<Response<Item>, Status> {
        match request.into_inner().id {
            0 => Err(Status::not_found("no such item")),
            BROKEN_ITEM => Err(Status::internal("the item's record cannot be read")),
            id => Ok(Response::new(Item {
                id,
                seen_by_session: session(),
            })),
        }
    }

    type WatchPricesStream = Streamed<Price>;

    async fn watch_prices(
        &self,
        request: Request<WatchPricesRequest>,
    ) -> Result<Response<Self::WatchPricesStream>, Status> {
        let prices = self.prices.watch();
        let prices = prices.ok_or_else(|| Status::unavailable("the shop is closing"))?;
        let prices = BroadcastStream::new(prices).map(|price| price.map_err(missed));
        Ok(Response::new(match request.into_inner().at_most {
            0 => Box::pin(prices),
            // A u32 fits wherever tokio runs.
            count => Box::pin(prices.take(count as usize)),
        }))
    }

    async fn fill_cart(
        &self,
        request: Request<Streaming<CartLine>>,
    ) -> Result<Response<Cart>, Status> {
        let mut lines = request.into_inner();
        let mut items = 0_u32;
        while let Some(line) = lines.message().await? {
            items = items.saturating_add(line.count);
        }
        // The context is still there after each await.
        let session = session();
        Ok(Response::new(Cart { items, session }))
    }

    type HaggleStream = Streamed<Answer>;

    async fn haggle(
        &self,
        request: Request<Streaming<Offer>>,
    ) -> Result<Response<Self::HaggleStream>, Status> {
        let answers = request.into_inner().map(|offer| {
            offer.map(|offer| Answer {
                sold: offer.cents >= LOWEST_CENTS,
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

/// No argument to hand through: the context is the request's own.
fn session() -> Option<String> {
    RumContext::current().session_id().map(str::to_owned)
}

/// A failure in mid-stream: the head has said OK, the trailers say this.
fn missed(BroadcastStreamRecvError::Lagged(count): BroadcastStreamRecvError) -> Status {
    Status::data_loss(format!("{count} prices missed: read faster"))
}
