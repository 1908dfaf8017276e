// Asks before an order, and says first what it will do: which disks are overwritten.
import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "./api.ts";
import { age } from "./format.ts";
import { useStore } from "./store.ts";

export type Verb = "install" | "boot-local" | "ignore";
export interface Order {
  verb: Verb;
  names: string[]; ///< one machine, or none with `tag`
  tag?: string; ///< install alone
}

interface Forecast {
  name: string;
  profile: string;
  state: string;
  since: string | null;
  attempt: number;
  ends_attempt: boolean;
  overwrites: boolean;
}
interface DryRun {
  nodes: Forecast[];
  without_profile: string[];
}

const shownMax = 8;

export function OrderDialog({ order, close }: { order: Order; close: (done: string) => void }) {
  const store = useStore();
  const dialog = useRef<HTMLDialogElement>(null);
  const [forecast, setForecast] = useState<DryRun | null>(null);
  const [typed, setTyped] = useState("");
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const path =
    order.tag !== undefined
      ? `nodes/install?tag=${encodeURIComponent(order.tag)}`
      : `nodes/${encodeURIComponent(order.names[0]!)}/${order.verb}`;
  useEffect(() => {
    dialog.current?.showModal();
    if (order.verb !== "install") return;
    call<DryRun>(`${path}${path.includes("?") ? "&" : "?"}dry-run=true`, "POST")
      .then(setForecast)
      .catch((error: unknown) => setTrouble(error instanceof Error ? error.message : String(error)));
  }, []);

  const wiped = forecast?.nodes.filter((n) => n.overwrites) ?? [];
  const many = (forecast?.nodes.length ?? 0) > 1;
  const name = order.names[0] ?? "";
  // Many disks at once take more than a key that was hit too often.
  const word = many && wiped.length > 0 ? String(wiped.length) : "";
  const ready = order.verb !== "install" || (forecast !== null && forecast.nodes.length > 0 && typed === word);
  const run = async () => {
    setBusy(true);
    try {
      const done = await call<{ nodes?: string[] }>(path, "POST");
      close(
        order.tag !== undefined
          ? `${done.nodes?.length ?? 0} machines install at their next network boot`
          : order.verb === "install"
            ? `${name} installs at its next network boot`
            : order.verb === "ignore"
              ? `${name} is ignored from now on`
              : `${name} boots its own disk from now on`,
      );
    } catch (error) {
      setTrouble(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  const node = store.nodes.get(name);
  return (
    <dialog ref={dialog} class="order" onCancel={() => close("")} aria-labelledby="order-title">
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !busy) void run();
        }}
      >
        <h2 id="order-title">
          {order.verb === "install" ? "Install" : order.verb === "ignore" ? "Ignore" : "Boot local"}{" "}
          {order.tag !== undefined ? `all that are tagged ${order.tag}` : name}?
        </h2>
        {order.verb === "ignore" && <p>It gets no answer from this server any more, until another order.</p>}
        {order.verb === "boot-local" && (
          <p>
            From now on a network boot of it leads to its own disk. Nothing is written.
            {node !== undefined && ["booting", "loading", "installing"].includes(node.state) && " Its running attempt ends."}
          </p>
        )}
        {order.verb === "install" && forecast === null && trouble === "" && <p class="soft">Asking what this would do…</p>}
        {forecast !== null && (
          <>
            {forecast.nodes.length > 0 && (
              <p>
                {many ? `${forecast.nodes.length} machines install` : `${forecast.nodes[0]!.name} installs`}{" "}
                {!many && <b>{forecast.nodes[0]!.profile}</b>} at {many ? "their" : "its"} next network boot.
              </p>
            )}
            {wiped.length > 0 ? (
              <div class="wipe">
                <p>
                  <b>
                    ⚠ {many ? `${wiped.length} disks have` : "Its disk has"} a system on {many ? "them" : "it"} that will be
                    overwritten:
                  </b>
                </p>
                <ul>
                  {wiped.slice(0, shownMax).map((n) => (
                    <li key={n.name}>
                      <b>{n.name}</b> {n.state}
                      {n.since !== null && ` for ${age(Date.parse(n.since), Date.now())}`}, gets {n.profile}
                      {n.ends_attempt && "; its running attempt ends"}
                    </li>
                  ))}
                  {wiped.length > shownMax && <li>and {wiped.length - shownMax} more</li>}
                </ul>
              </div>
            ) : (
              forecast.nodes.length > 0 && <p class="soft">No system that muster installed is overwritten.</p>
            )}
            {forecast.nodes.some((n) => n.ends_attempt && !n.overwrites) && (
              <p>{forecast.nodes.filter((n) => n.ends_attempt).length} running attempt(s) end and begin anew.</p>
            )}
            {forecast.without_profile.length > 0 && (
              <p class="bad">
                Without a profile, so left as {forecast.without_profile.length === 1 ? "it is" : "they are"}:{" "}
                {forecast.without_profile.slice(0, shownMax).join(", ")}
                {forecast.without_profile.length > shownMax && ` and ${forecast.without_profile.length - shownMax} more`}
              </p>
            )}
            {word !== "" && (
              <label class="confirm">
                Type <b>{word}</b>, the number of disks, to go on{" "}
                <input value={typed} inputMode="numeric" autoComplete="off" onInput={(e) => setTyped(e.currentTarget.value)} />
              </label>
            )}
          </>
        )}
        {trouble !== "" && <p class="bad">{trouble}</p>}
        <footer>
          <button type="button" onClick={() => close("")}>
            Cancel
          </button>
          <button type="submit" class={order.verb === "install" ? "danger solid" : "solid"} disabled={!ready || busy}>
            {order.verb === "install"
              ? wiped.length > 0
                ? many
                  ? `Overwrite ${wiped.length} disks`
                  : "Overwrite and install"
                : "Install"
              : order.verb === "ignore"
                ? "Ignore"
                : "Boot local"}
          </button>
        </footer>
      </form>
    </dialog>
  );
}
