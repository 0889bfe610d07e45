const NODES_MAX = 2_000
// More literal children than people give names to.
const CHILDREN_MAX = 30

const IDENTIFIER =
  /^\d+$|^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$|^[0-9a-f]{16,}$|^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_-]{16,}$|^\d{4}-\d\d(?:-\d\d)?$|^[A-Z]{1,5}-?\d+$|@/i

interface Node {
  readonly children: Map<string, Node>
  /** So many different segments were seen here that they are data. */
  isData: boolean
}

/**
 * Finds what requests have in common: `GET /products/:id?page&sort` of `GET /products/17?sort=price&page=2`. Segments that look like
 * identifiers are, and so are those of which there are too many to be names. The values of parameters do not count.
 */
export class EndpointNames {
  readonly #root: Node = { children: new Map(), isData: false }
  #nodes = 0

  nameOf(method: string, target: string): string {
    const [path = '', query = ''] = target.split('?', 2)
    const segments = path.split('/').slice(1)
    const names: string[] = []
    let node: Node | undefined = this.#root
    for (const segment of segments) {
      const name: string = segment !== '' && (node === undefined || node.isData || IDENTIFIER.test(segment)) ? ':id' : segment
      node = node === undefined ? undefined : this.#childOf(node, name)
      // A sibling too many makes all of them data.
      names.push(node === undefined && segment !== '' ? ':id' : name)
    }
    const parameters = [...new Set(query.split('&').map((pair) => pair.split('=', 1)[0]!))].filter((name) => name !== '').toSorted()
    return `${method} /${names.join('/')}${parameters.length === 0 ? '' : `?${parameters.slice(0, 10).join('&')}`}`
  }

  /** @returns undefined where there is no room for one more */
  #childOf(node: Node, name: string): Node | undefined {
    const there = node.children.get(name)
    if (there !== undefined) return there
    if (name !== ':id' && node.children.size >= CHILDREN_MAX) {
      node.isData = true
      node.children.clear()
      return this.#childOf(node, ':id')
    }
    if (this.#nodes >= NODES_MAX) return undefined
    this.#nodes++
    const child: Node = { children: new Map(), isData: false }
    node.children.set(name, child)
    return child
  }
}
