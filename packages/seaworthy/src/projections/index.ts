export { type ProjectionStore } from './projection-store.ts'
