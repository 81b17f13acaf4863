/* Lists of what the application has given to models, one entry each: the application owns the entries. */
#ifndef MSF_OF_MODEL_H_
#define MSF_OF_MODEL_H_

#include "msf.h"

/* Puts an entry into a list in front, or takes it away, if it is nothing that is given. */
static inline void msf_enter(msf_of_model **list, msf_of_model *entry, const void *model, uint32_t model_size,
                             int is_given) {
  for (msf_of_model **place = list; *place != 0; place = &(*place)->next) {
    if (*place == entry) {
      *place = entry->next;
      break;
    }
  }
  entry->model = (const uint8_t *)model;
  entry->model_size = model_size;
  entry->next = *list;
  if (is_given) *list = entry;
}

/* The entry of the model that holds a program, or else the one for all others. */
static inline const msf_of_model *msf_entry_of(const msf_of_model *list, const void *program,
                                               const msf_of_model *others) {
  for (const msf_of_model *entry = list; entry != 0; entry = entry->next) {
    if ((uintptr_t)program - (uintptr_t)entry->model < entry->model_size) return entry;
  }
  return others;
}

#endif /* MSF_OF_MODEL_H_ */
