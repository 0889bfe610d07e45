import { z } from 'zod'
import { decimalOf, toCents } from './decimal.ts'
import type { ShopData } from './shop-data.ts'
import { refuseDuplicates } from './unique.ts'

/** The products of dummyjson.com, as far as the shop has a use for them. */
export const dummyJsonFile = z
  .array(
    z.object({
      id: z.int().min(1),
      title: z.string().min(1).max(200),
      description: z.string().max(5_000).default(''),
      category: z.string().min(1).max(100),
      brand: z.string().min(1).max(100).nullish(),
      price: z.number().min(0).max(10_000_000),
      stock: z.int().min(0),
      reviews: z
        .array(
          z.object({
            rating: z.int().min(1).max(5),
            comment: z.string().max(2_000),
            date: z.iso.datetime(),
            reviewerName: z.string().min(1).max(200),
          }),
        )
        .default([]),
    }),
  )
  .min(1)
  .superRefine((file, context) => refuseDuplicates(file, { path: [], field: 'id', id: (product) => product.id }, context))

export type DummyJsonFile = z.output<typeof dummyJsonFile>

/**
 * The price is taken as it stands: `discountPercentage` advertises a discount on some other price that the file does not have.
 * Reviewers are no customers of the shop: their names stay with the reviews.
 */
export function fromDummyJson(file: DummyJsonFile): ShopData {
  const id = (product: { id: number }) => `dummyjson-${product.id}`
  return {
    products: file.map((product) => ({
      id: id(product),
      name: product.title,
      description: product.description,
      category: product.category,
      priceCents: toCents(decimalOf(product.price)),
      ...(product.brand != null && { brand: product.brand }),
    })),
    stock: file.map((product) => ({ productId: id(product), quantity: product.stock })),
    reviews: file.flatMap((product) =>
      product.reviews.map((review, index) => ({
        id: `${id(product)}-review-${index + 1}`,
        productId: id(product),
        author: review.reviewerName,
        rating: review.rating,
        comment: review.comment,
        createdAt: review.date,
      })),
    ),
    customers: [],
    orders: [],
  }
}
