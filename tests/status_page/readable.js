// What keeps the page from being read: text that is too small or too pale for what is behind it
// (WCAG 2, level AA), and what is wider than the window. An empty list if nothing does.
(() => {
  const wrong = [];
  const page = document.documentElement;
  if (page.scrollWidth > window.innerWidth) {
    wrong.push(`the page is ${page.scrollWidth} px wide, the window ${window.innerWidth}`);
  }
  const parts = colour => colour.match(/[\d.]+/g).map(Number);
  const luminance = colour => {
    const [r, g, b] = parts(colour).slice(0, 3).map(value => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const isClear = colour => parts(colour).length === 4 && parts(colour)[3] === 0;
  const behind = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!isClear(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const element = text.parentElement;
    const name = `"${text.textContent.trim().slice(0, 30)}"`;
    if (!text.textContent.trim() || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    if (!element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    if (parseFloat(style.fontSize) < 12) wrong.push(`${name} has ${style.fontSize}`);
    const [one, other] = [luminance(style.color), luminance(behind(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) wrong.push(`${name} has a contrast of ${contrast.toFixed(2)}`);
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    if (box.right > window.innerWidth + 1) wrong.push(`${name} ends at ${box.right} px`);
  }
  return wrong;
})()
