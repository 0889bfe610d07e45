import { ConfigurationError } from 'seaworthy/core'

/** The parts of the monolith, each by the name of the service that takes it over. */
export const MODULES = ['catalog', 'reviews', 'customers'] as const

export type Module = (typeof MODULES)[number]

/** Whether the catalog is left without its reviews, whose ratings it shows. */
export function followsReviews(modules: readonly Module[]): boolean {
  return modules.includes('catalog') && !modules.includes('reviews')
}

/** What this process was told that it still answers for, as in `catalog,customers`. @throws ConfigurationError for what it has no module for */
export function modulesOf(standsInFor: string): readonly Module[] {
  return standsInFor
    .split(',')
    .filter((name) => name !== '')
    .map((name) => {
      const module = MODULES.find((known) => known === name)
      if (module === undefined)
        throw new ConfigurationError(`The monolith was told to stand in for ${name}. It has modules for ${MODULES.join(', ')}.`)
      return module
    })
}
