// Who this person is: a token, from the address, from an earlier visit, or for a name from the server.

const KEY = "chat.token";
const get = (id) => document.getElementById(id);

// #token=T&room=R, as `up` prints it. The token does not stay in the address, which people pass on.
export function fromAddress() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const token = parameters.get("token");
  if (token === null) return null;
  parameters.delete("token");
  history.replaceState(null, "", `#${parameters}`);
  return token;
}

// A tab keeps who it is; a new one takes the last sign-in.
export const remembered = () => sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);

export function remember(token) {
  for (const storage of [sessionStorage, localStorage]) storage.setItem(KEY, token);
}

export function forget() {
  const token = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  if (localStorage.getItem(KEY) === token) localStorage.removeItem(KEY);
}

export class Entrance {
  // signedIn: called with a token
  constructor(signedIn) {
    this.signedIn = signedIn;
    get("by-name").addEventListener("submit", (event) => {
      event.preventDefault();
      this.choose(get("name").value);
    });
    get("by-token").addEventListener("submit", (event) => {
      event.preventDefault();
      this.signedIn(get("token").value.trim());
    });
  }

  // reason: why it is shown, or "".
  async show(reason) {
    const names = await fetch("sign-in").then((answer) => answer.json()).then((answer) => answer.names, () => false);
    get("by-name").hidden = !names;
    get("with-token").open = !names;
    get("entrance").hidden = false;
    get("token").value = "";
    this.refuse(reason, names ? get("name") : get("token"));
  }

  hide() {
    get("entrance").hidden = true;
  }

  async choose(name) {
    const button = get("by-name").querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch("sign-in", { method: "POST", body: JSON.stringify({ name }) });
      const { token, reason } = await answer.json();
      token ? this.signedIn(token) : this.refuse(reason, get("name"));
    } catch {
      this.refuse("The server does not answer. Try again in a few seconds.", get("name"));
    } finally {
      button.disabled = false;
    }
  }

  refuse(reason, field) {
    get("refusal").textContent = reason;
    for (const input of [get("name"), get("token")]) input.toggleAttribute("aria-invalid", false);
    if (reason) field.setAttribute("aria-invalid", "true");
    field.focus();
  }
}
