/** What moves while users go on, and how its rows become the service's: the shop's own mappings. */
import type { Mapping } from '@seaworthy/strangler/cut-over'
import { catalogMapping } from '../../shop/services/catalog/contract/monolith-mapping.ts'
import { reviewsMapping } from '../../shop/services/reviews/contract/monolith-mapping.ts'

export type MovingModule = 'reviews' | 'catalog'

export const MAPPINGS: Readonly<Record<MovingModule, Mapping>> = { reviews: reviewsMapping, catalog: catalogMapping }
