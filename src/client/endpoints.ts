/** Endpoints as people write them: `host:port`, or a URL of that; many with commas between. */

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Null when the text is no endpoint; `[::1]:2379` for IPv6. */
export function parseEndpoint(text: string): Endpoint | null {
  const bare = text
    .trim()
    .replace(/^http:\/\//, '')
    .replace(/\/$/, '')
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})$/.exec(bare)
  if (match === null) return null
  const host = match[1] ?? match[2]
  const port = Number(match[3])
  if (host === undefined || port < 1 || port > 65_535) return null
  return { host, port }
}

export function formatEndpoint(endpoint: Endpoint): string {
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host
  return `${host}:${endpoint.port}`
}

/** `host:port` of each, without repeats; or the first part that is no endpoint. */
export function parseEndpoints(
  texts: readonly string[],
): { readonly endpoints: readonly string[] } | { readonly bad: string } {
  const endpoints = new Set<string>()
  for (const text of texts.flatMap((one) => one.split(','))) {
    if (text.trim() === '') continue
    const endpoint = parseEndpoint(text)
    if (endpoint === null) return { bad: text.trim() }
    endpoints.add(formatEndpoint(endpoint))
  }
  return { endpoints: [...endpoints] }
}
