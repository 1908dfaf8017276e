// Calls of the admin API. The token, if one is wanted, is kept for the life of the tab.
const prefix = "api/v1/";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export function setToken(token: string): void {
  sessionStorage.setItem("token", token);
}

function headers(extra: Record<string, string> = {}): Record<string, string> {
  const token = sessionStorage.getItem("token");
  return token ? { ...extra, Authorization: `Bearer ${token}` } : extra;
}

async function refusal(answer: Response): Promise<ApiError> {
  let message = `the server answered ${answer.status}`;
  try {
    message = (await answer.json()).error.message;
  } catch {
    // Not JSON: a proxy on the way, perhaps.
  }
  return new ApiError(answer.status, message);
}

export async function call<T>(path: string, method = "GET", body?: unknown): Promise<T> {
  const answer = await fetch(prefix + path, {
    method,
    headers: headers(),
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
  });
  if (!answer.ok) throw await refusal(answer);
  return (await answer.json()) as T;
}

/// All pages of a list, one after the other.
export async function all<T>(path: string, key: string, each: (page: T[]) => void): Promise<void> {
  let after = "";
  for (;;) {
    const mark = path.includes("?") ? "&" : "?";
    const more = after === "" ? "" : `${mark}after=${encodeURIComponent(after)}`;
    const page = await call<Record<string, unknown>>(path + more);
    each(page[key] as T[]);
    if (page["next"] === null) return;
    after = String(page["next"]);
  }
}

export interface StreamEvent {
  kind: string;
  data: unknown;
}

/// One connection to the server's events, until it breaks. By fetch and not by EventSource, which
/// can carry no token. `lastId` is where to go on; each id that comes is handed back.
export async function listen(
  lastId: string,
  signal: AbortSignal,
  each: (events: StreamEvent[], lastId: string) => void,
): Promise<void> {
  const wanted: Record<string, string> = { Accept: "text/event-stream" };
  if (lastId !== "") wanted["Last-Event-ID"] = lastId;
  const answer = await fetch(prefix + "events", { headers: headers(wanted), cache: "no-store", signal });
  if (!answer.ok || answer.body === null) throw await refusal(answer);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    const events: StreamEvent[] = [];
    for (const block of blocks) {
      let kind = "message";
      let data = "";
      for (const line of block.split("\n")) {
        if (line.startsWith("id: ")) lastId = line.slice(4);
        else if (line.startsWith("event: ")) kind = line.slice(7);
        else if (line.startsWith("data: ")) data += line.slice(6);
      }
      if (data !== "") events.push({ kind, data: JSON.parse(data) });
    }
    if (events.length > 0) each(events, lastId);
  }
}
