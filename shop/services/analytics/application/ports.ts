import type { Transaction } from 'seaworthy/core'
import type { Counter, ProductSale } from '../domain/figures.ts'

interface Figures {
  readonly counters: Readonly<Record<Counter, number>>
  /** Most revenue first. */
  readonly topProducts: readonly ProductSale[]
}

/** The figures, in analytics' own database. */
export interface FiguresRepository {
  add(tx: Transaction, counter: Counter, by: number): Promise<void>
  addSale(tx: Transaction, sale: ProductSale): Promise<void>
  read(options: { topProductsMax: number }): Promise<Figures>
}
