// In a notebook's frame a link to a place on the page would open the notebook.
document.addEventListener("click", event => {
  const link = event.target.closest('a[href^="#"]')
  const to = link && document.getElementById(link.getAttribute("href").slice(1))
  if (!to) return
  event.preventDefault()
  to.scrollIntoView()
})
// Before printing, pictures that were never scrolled to are loaded.
addEventListener("beforeprint", () => document.querySelectorAll("img[loading]").forEach(img => img.loading = "eager"))
