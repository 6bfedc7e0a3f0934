// The kernels beside simdutf, in one process, in turns.
//
// usage: beside_simdutf KERNEL SIMDUTF    for instance: avx2 haswell
//
// Prints a line for each text, size and work: how many times as fast as simdutf fastframe is.
#include "fastframe.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <simdutf.h>
#include <string>
#include <vector>

static const int ROUNDS = 15;
static volatile size_t sink;

struct Text {
    const char *name;
    std::u32string pattern;
};

static const std::vector<Text> TEXTS = {
    {"ASCII", U"The quick brown fox jumps over the lazy dog. "},
    {"French", U"L'élève a déjà mangé près de la forêt, où il était resté. "},
    {"Latin-1", U"äöüßéèñçåøæÄÖÜ grüße "},
    {"Cyrillic", U"Съешь ещё этих мягких французских булок, да выпей чаю. "},
    {"CJK", U"敏捷的棕色狐狸跳过了懒狗然后继续前行直到天黑为止"},
    {"emoji", U"😀😃😄😁😆😅🤣😂🙂🙃"},
    {"rare accents", std::u32string(420, U'a') + U"é"},
    {"JSON with CJK", U"{\"id\":12345,\"name\":\"敏捷的棕色狐狸\",\"text\":\"跳过了懒狗\"},"},
    {"JSON with Cyrillic", U"{\"id\":12345,\"name\":\"Съешь ещё\",\"text\":\"мягких булок\"},"},
    {"English with emoji", U"See you at ten! 😀 Bring the slides 🙂, please. "},
    {"HTML with French", U"<p class=\"a\">L'élève</p><a href=\"/b\">a déjà mangé</a> "},
};

static std::string utf8(const std::u32string &text)
{
    std::string bytes(simdutf::utf8_length_from_utf32(text.data(), text.size()), 0);
    sink = simdutf::convert_utf32_to_utf8(text.data(), text.size(), bytes.data());
    return bytes;
}

// At most so many bytes of whole characters; at least one.
static std::u32string text_of(const std::u32string &pattern, size_t size)
{
    std::u32string text;
    for (size_t bytes = 0, i = 0;; i++) {
        char32_t c = pattern[i % pattern.size()];
        bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        if (bytes > size && !text.empty())
            return text;
        text += c;
    }
}

template <class Ours, class Theirs> static double ratio(Ours ours, Theirs theirs, size_t bytes)
{
    using Clock = std::chrono::steady_clock;
    size_t repeats = std::max<size_t>(1, 400000 / (bytes + 50));
    std::vector<double> of_ours, of_theirs;
    for (int round = 0; round < ROUNDS; round++) {
        auto begun = Clock::now();
        for (size_t i = 0; i < repeats; i++)
            ours();
        auto between = Clock::now();
        for (size_t i = 0; i < repeats; i++)
            theirs();
        auto ended = Clock::now();
        of_ours.push_back(std::chrono::duration<double>(between - begun).count());
        of_theirs.push_back(std::chrono::duration<double>(ended - between).count());
    }
    std::nth_element(of_ours.begin(), of_ours.begin() + ROUNDS / 2, of_ours.end());
    std::nth_element(of_theirs.begin(), of_theirs.begin() + ROUNDS / 2, of_theirs.end());
    return of_theirs[ROUNDS / 2] / of_ours[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    if (argc != 3 || !ff_kernels_select(argv[1]))
        return 2;
    auto *theirs = simdutf::get_available_implementations()[argv[2]];
    if (!theirs || !theirs->supported_by_runtime_system())
        return 2;
    const ff_kernels *ours = ff_kernels_active();
    const uint8_t key[4] = {0x12, 0x34, 0x56, 0x78};

    for (const Text &text : TEXTS) {
        for (size_t size : {20, 125, 1024, 16384, 1 << 20}) {
            std::u32string characters = text_of(text.pattern, size);
            std::string bytes = utf8(characters);
            size_t n = bytes.size(), count = characters.size();
            const uint8_t *data = (const uint8_t *)bytes.data();
            char32_t largest = *std::max_element(characters.begin(), characters.end());
            unsigned width = largest < 0x100 ? 1 : largest < 0x10000 ? 2 : 4;
            std::vector<uint8_t> narrow(characters.begin(), characters.end());
            std::vector<char16_t> wide(characters.begin(), characters.end());
            const void *string = width == 1   ? (const void *)narrow.data()
                                 : width == 2 ? (const void *)wide.data()
                                              : (const void *)characters.data();
            std::vector<uint8_t> wire(n + 128), padded(n + 256), result(4 * n + 512);
            std::vector<char> plain(n + 256);
            ours->mask(wire.data(), data, n, key);
            uint8_t *scratch = padded.data() + 64;

            auto print = [&](const char *what, double found) {
                printf("%s\t%zu\t%s\t%.4f\n", text.name, size, what, found);
            };
            print("valid?", ratio(
                                [&] {
                                    ff_utf8 state = ff_utf8_start();
                                    sink = ours->utf8_feed(&state, data, n) &&
                                           ff_utf8_complete(&state);
                                },
                                [&] { sink = theirs->validate_utf8(bytes.data(), n); }, n));
            print("to UTF-8", ratio(
                                  [&] {
                                      size_t m = ours->utf8_size(string, count, width);
                                      ours->utf8_from(result.data(), m, string, count, width);
                                      sink = m;
                                  },
                                  [&] {
                                      char *out = (char *)result.data();
                                      if (width == 1) {
                                          auto *s = (const char *)string;
                                          sink = theirs->utf8_length_from_latin1(s, count);
                                          sink = theirs->convert_latin1_to_utf8(s, count, out);
                                      } else if (width == 2) {
                                          auto *s = (const char16_t *)string;
                                          sink = theirs->utf8_length_from_utf16le(s, count);
                                          sink = theirs->convert_utf16le_to_utf8(s, count, out);
                                      } else {
                                          auto *s = (const char32_t *)string;
                                          sink = theirs->utf8_length_from_utf32(s, count);
                                          sink = theirs->convert_utf32_to_utf8(s, count, out);
                                      }
                                  },
                                  n));
            print("wire to str",
                  ratio(
                      [&] {
                          ff_text measure = {0, 0};
                          if (largest < 0x80) {
                              sink = ours->mask_ascii(result.data(), wire.data(), n, key);
                              return;
                          }
                          sink = ours->utf8_unmask(scratch, wire.data(), n, key, &measure);
                          if (width == 1)
                              ours->utf8_to_latin1(result.data(), scratch, n, &measure);
                          else if (width == 2)
                              ours->utf8_to_ucs2(result.data(), scratch, n, &measure);
                          else
                              ours->utf8_to_ucs4(result.data(), scratch, n, &measure);
                      },
                      [&] {
                          const char *p = plain.data();
                          ours->mask((uint8_t *)plain.data(), wire.data(), n, key);
                          if (largest < 0x80) {
                              sink = theirs->validate_ascii(p, n);
                              std::memcpy(result.data(), p, n);
                              return;
                          }
                          sink = theirs->count_utf8(p, n);
                          if (width == 1)
                              sink = theirs->convert_utf8_to_latin1(p, n, (char *)result.data());
                          else if (width == 2)
                              sink =
                                  theirs->convert_utf8_to_utf16le(p, n, (char16_t *)result.data());
                          else
                              sink = theirs->convert_utf8_to_utf32(p, n, (char32_t *)result.data());
                      },
                      n));
        }
    }
    return 0;
}
