import type { ServeRest } from '../../../platform/service-ports.ts'
import { takenOver } from '../../../platform/take-over.ts'
import type { ReviewRepository } from '../application/ports.ts'
import type { Reviewing } from '../application/reviewing.ts'
import { reviewsApi, reviewsImport } from '../contract/rest.ts'
import type { Review } from '../domain/review.ts'

export function serveReviews(serve: ServeRest, { reviewing, reviews }: { reviewing: Reviewing; reviews: ReviewRepository }): void {
  serve(reviewsApi, {
    listReviews: async ({ query }) => {
      const page = await reviews.ofProduct(query)
      return { status: 200, body: { ...page, items: page.items.map(shown) } }
    },
    writeReview: async ({ body, call }) => ({ status: 201, body: shown(await reviewing.write(body, call)) }),
  })
  serve(reviewsImport, {
    importReviews: async ({ body }) => takenOver(body.reviews, await reviewing.takeOver(body.reviews)),
  })
}

function shown({ id, productId, customerId, author, rating, comment, writtenAtMs }: Review) {
  return {
    id,
    productId,
    ...(customerId !== undefined && { customerId }),
    author,
    rating,
    comment,
    createdAt: new Date(writtenAtMs).toISOString(),
  }
}
