// The menu of versions, where the site has several: docs/versions.py puts versions.json beside their folders.
(async () => {
  const root = new URL(document.documentElement.dataset.content_root, document.baseURI);
  const here = root.pathname.split("/").at(-2);
  const answer = await fetch(new URL("../versions.json", root)).catch(() => null);
  if (!answer?.ok) return; // one version only, or files opened without a server
  const label = document.querySelector(".versions");
  const menu = label.querySelector("select");
  for (const version of await answer.json()) menu.add(new Option(version, version, false, version === here));
  menu.addEventListener("change", () => location.assign(new URL(`../${menu.value}/`, root)));
  label.hidden = false;
})();
