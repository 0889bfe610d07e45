import { defineMapping } from '@seaworthy/strangler/cut-over'

/** The monolith keeps a review and its votes in two tables; the new service has one row with the votes counted, and a table of voters. */
export const reviewsMapping = defineMapping({
  name: 'reviews',
  old: {
    reviews: { key: 'id', primaryKey: ['id'], columns: ['id', 'product', 'stars', 'body'] },
    review_votes: { key: 'review_id', primaryKey: ['id'], columns: ['id', 'review_id', 'voter', 'up'] },
  },
  new: {
    review: { key: 'review_id', primaryKey: ['review_id'], columns: ['review_id', 'product_id', 'rating', 'text', 'helpful'] },
    voter: { key: 'review_id', primaryKey: ['review_id', 'vote_id'], columns: ['review_id', 'vote_id', 'name', 'is_up'] },
  },
  toNew({ reviews, review_votes: votes }) {
    return {
      review: reviews.map(({ id, product, stars, body }) => {
        if (Number(stars) > 5) throw new Error(`${String(stars)} stars are more than there are`)
        const helpful = votes.filter(({ up }) => Number(up) === 1).length
        return { review_id: String(id), product_id: `p-${String(product)}`, rating: Number(stars) * 20, text: body, helpful }
      }),
      voter: votes.map(({ id, review_id, voter, up }) => ({
        review_id: String(review_id),
        vote_id: Number(id),
        name: voter,
        is_up: Number(up),
      })),
    }
  },
  toOld({ review, voter }) {
    return {
      reviews: review.map(({ review_id, product_id, rating, text }) => ({
        id: Number(review_id),
        product: String(product_id).replace('p-', ''),
        stars: Number(rating) / 20,
        body: text,
      })),
      review_votes: voter.map(({ review_id, vote_id, name, is_up }) => ({
        id: vote_id,
        review_id: Number(review_id),
        voter: name,
        up: Number(is_up),
      })),
    }
  },
})

export const OLD_TABLES = {
  component: 'monolith',
  versions: [
    `CREATE TABLE reviews (id INTEGER PRIMARY KEY, product TEXT NOT NULL, stars INTEGER NOT NULL, body TEXT, internal_note TEXT);
    CREATE TABLE review_votes (id INTEGER PRIMARY KEY, review_id INTEGER NOT NULL REFERENCES reviews (id), voter TEXT NOT NULL, up INTEGER NOT NULL, UNIQUE (voter, id));
    CREATE INDEX review_votes_by_review ON review_votes (review_id)`,
  ],
}

export const NEW_TABLES = {
  component: 'reviews',
  versions: [
    `CREATE TABLE review (review_id TEXT PRIMARY KEY, product_id TEXT NOT NULL, rating INTEGER NOT NULL CHECK (rating >= 0), text TEXT, helpful INTEGER NOT NULL) STRICT;
    CREATE TABLE voter (review_id TEXT NOT NULL REFERENCES review (review_id), vote_id INTEGER NOT NULL, name TEXT NOT NULL, is_up INTEGER NOT NULL,
      PRIMARY KEY (review_id, vote_id)) STRICT`,
  ],
}
