import type { z } from 'zod'

/** Reports each item whose id an item before it has: the second would vanish, because ids that are known are left as they are. */
export function refuseDuplicates<Item>(
  items: readonly Item[],
  options: { path: readonly PropertyKey[]; field: string; id: (item: Item) => string | number },
  context: z.core.$RefinementCtx,
): void {
  const seen = new Set<string | number>()
  for (const [index, item] of items.entries()) {
    const id = options.id(item)
    if (seen.has(id)) {
      context.addIssue({ code: 'custom', path: [...options.path, index, options.field], message: `${id} stands in the file twice` })
    }
    seen.add(id)
  }
}
