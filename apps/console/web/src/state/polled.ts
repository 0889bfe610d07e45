import { Refreshed } from './refreshed.ts'

/** What services say of themselves, asked for again and again while the page is looked at. */
export class Polled<Service> extends Refreshed<{ readonly services: readonly Service[] }> {}
